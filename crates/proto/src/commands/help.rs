//! `CONTAINER HELP`, made from the rows.

use super::lookup;
use crate::reply::Reply;

/// The lines that `OBJECT HELP`, `CLIENT HELP` and the like answer. `container` is a command that has subcommands, in lower case.
pub fn help(container: &str) -> Reply {
    let upper = container.to_ascii_uppercase();
    let mut lines = vec![format!("{upper} <subcommand> [<arg> [value] [opt] ...]. Subcommands are:")];
    for row in lookup(container.as_bytes()).map(|row| row.subcommands()).unwrap_or_default() {
        let (_, subcommand) = row.name.split_once('|').expect("a subcommand's name has two parts");
        lines.push(subcommand.to_ascii_uppercase());
        lines.push(format!("    {}", row.summary));
    }
    Reply::Array(lines.into_iter().map(Reply::Status).collect())
}
