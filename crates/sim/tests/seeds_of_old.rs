//! Seeds that once showed something wrong, here or in the node. Each is named after what it showed. A change of what is drawn makes other worlds of them; then they are worth as much as
//! any other seed, and no less.

use sim::run::{Options, run};

/// An outage was drawn that lasted longer than the world: the node was still down when everybody was to serve again.
#[test]
fn healing_ends_an_outage_however_long_it_was_drawn() {
    let ended = run(717, Options::default());
    assert!(ended.failure.is_none(), "{:?}", ended.failure);
}
