//! `rebuild`: empties the damaged folder of a node that does not run, and says what happens next.

use crate::arguments::Rebuild;
use crate::exit::{Exit, Failure};
use crate::talk;

pub(crate) fn run(arguments: &Rebuild) -> Result<Exit, Failure> {
    let done =
        server::rebuild::empty(&arguments.data).map_err(|refusal| Failure::bad_input(refusal.to_string()))?;
    talk::say(format_args!(
        "node {}: {} files are set aside in {}; they are not needed any more once the node is rebuilt",
        done.node,
        done.files,
        done.aside.display()
    ));
    talk::say(format_args!(
        "start the node as always: it takes no part until the others have filled it (`quartet status` shows how many replicas are being rebuilt); a majority of every shard's other replicas must run for that"
    ));
    Ok(Exit::Done)
}
