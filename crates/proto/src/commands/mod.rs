//! The command table, and everything that is made from it: parser, error texts, `COMMAND`, the page `docs/redis.md`.
//!
//! * `table`: one row per command and subcommand.
//! * `strings`, `keys`, `sets`, `hashes`, `lists`, `sorted_sets`: arguments to [`Command`]s, in Redis's words where they are wrong.
//! * `consistency`: levels, for a connection or by a command's suffix.
//! * `levels`: at which levels each command has a meaning.
//! * `with`: the wrapper that says level, number and deadline of one request.
//! * `wait`: how many nodes hold what a connection wrote.
//! * `later`: what Redis has and this version has not.
//! * `describe`, `help`: rows as `COMMAND` and `HELP` show them.
//!
//! Invariant: a command that the table does not list does not exist for anyone: a front asks [`resolve`] first and dispatches on the row.

mod arguments;
pub mod consistency;
mod counted_keys;
mod describe;
mod hashes;
mod help;
mod keys;
mod later;
mod levels;
mod lists;
pub mod number;
mod sets;
mod sorted_set_ranges;
mod sorted_sets;
mod strings;
mod table;
mod wait;
mod with;

pub use describe::{
    command_count, command_docs, command_getkeys, command_getkeysandflags, command_info, command_list,
};
pub use help::help;
pub use later::LATER;
pub use with::client_number;

use crate::command::{Command, Request};
use crate::limits::{MAX_KEY_BYTES, MAX_KEYS_PER_COMMAND};
use crate::reply::Reply;
use bytes::Bytes;

/// Makes a command of arguments whose number is known to be right.
pub type Parser = fn(&Row, &[Bytes]) -> Result<Command, Reply>;

/// One command or subcommand.
#[derive(Clone, Copy, Debug)]
pub struct Row {
    /// In lower case; a subcommand as `container|subcommand`.
    pub name: &'static str,
    /// How many arguments with the name itself (and the subcommand's): exactly, or if negative at least.
    pub arity: i32,
    /// In the words of `COMMAND`.
    pub flags: &'static [&'static str],
    /// Where its keys are.
    pub keys: KeyRange,
    /// In the words of Redis's documentation.
    pub group: &'static str,
    /// The version of Redis that brought it; `quartet` for our own.
    pub since: &'static str,
    /// One sentence.
    pub summary: &'static str,
    /// Who answers it.
    pub family: Family,
}

/// Who answers a command.
#[derive(Clone, Copy, Debug)]
pub enum Family {
    /// The front, from the connection.
    Connection,
    /// The front, from what it knows of the node.
    Server,
    /// The front, from the map.
    Cluster,
    /// The shards.
    Data(Parser),
    /// `WITH`: the shards, after the options have been read.
    Wrapper,
}

/// Positions of keys among the arguments, as `COMMAND` tells them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KeyRange {
    /// The first key's position; 0 if there are no keys.
    pub first: i32,
    /// The last one's, counted from the end if negative.
    pub last: i32,
    /// From one key to the next.
    pub step: i32,
}

impl KeyRange {
    /// No keys.
    pub const NONE: KeyRange = KeyRange { first: 0, last: 0, step: 0 };

    /// The positions in a command of so many arguments.
    pub fn positions(self, arguments: usize) -> impl Iterator<Item = usize> {
        let count = i32::try_from(arguments).unwrap_or(i32::MAX);
        let last = if self.last < 0 { count + self.last } else { self.last.min(count - 1) };
        let first = if self.first == 0 { last + 1 } else { self.first };
        (first..=last).step_by(self.step.max(1) as usize).map(|at| at as usize)
    }
}

impl Row {
    /// The name of the command that this is a subcommand of.
    pub fn container(&self) -> Option<&'static str> {
        self.name.split_once('|').map(|(container, _)| container)
    }

    /// Its subcommands, in the order of the table.
    pub fn subcommands(&self) -> &'static [Row] {
        let rows = table();
        let Ok(at) = rows.binary_search_by(|row| row.name.cmp(self.name)) else { return &[] };
        let rest = &rows[at + 1..];
        let count = rest.iter().take_while(|row| row.container() == Some(self.name)).count();
        &rest[..count]
    }

    /// Whether so many arguments (name and subcommand counted) are right.
    pub fn takes(&self, arguments: usize) -> bool {
        let wanted = self.arity.unsigned_abs() as usize;
        if self.arity < 0 { arguments >= wanted } else { arguments == wanted }
    }

    /// Whether its name may end in a level.
    pub fn takes_level(&self) -> bool {
        match self.family {
            Family::Data(_) => !self.is_of_its_connection(),
            // The container of subcommands on keys.
            _ => self.subcommands().iter().any(|row| row.takes_level()),
        }
    }

    /// Whether the core answers it from what it knows of the connection: no key, no level.
    pub fn is_of_its_connection(&self) -> bool {
        self.name.starts_with("session") || self.name == "wait"
    }

    /// Whether it may change data.
    pub fn is_write(&self) -> bool {
        self.flags.contains(&"write")
    }
}

/// Every command and subcommand of this version, sorted by name; subcommands follow their container.
pub fn table() -> &'static [Row] {
    table::ROWS
}

/// The row of a command by its name in any case; of a subcommand by `container|subcommand`. A data command's name may end in a level: `get@sequential`.
pub fn lookup(name: &[u8]) -> Option<&'static Row> {
    let (name, level) = consistency::split(name);
    let mut lower = [0; 48];
    let lower = lower.get_mut(..name.len())?;
    lower.copy_from_slice(name);
    lower.make_ascii_lowercase();
    let rows = table();
    let row = rows.binary_search_by(|row| row.name.as_bytes().cmp(lower)).ok().map(|at| &rows[at])?;
    (level.is_none() || row.takes_level()).then_some(row)
}

/// The row that these arguments call, subcommands resolved, the number of arguments checked; or what the client is told. `argv` is never empty.
pub fn resolve(argv: &[Bytes]) -> Result<&'static Row, Reply> {
    let Some(mut row) = lookup(&argv[0]).filter(|row| row.container().is_none()) else {
        return Err(later::unknown(argv));
    };
    if argv.len() > 1 && !row.subcommands().is_empty() {
        let mut name = Vec::with_capacity(48);
        name.extend_from_slice(row.name.as_bytes());
        name.push(b'|');
        name.extend_from_slice(&argv[1]);
        row = lookup(&name).ok_or_else(|| later::unknown_subcommand(row, &argv[1]))?;
    }
    if !row.takes(argv.len()) {
        return Err(arguments::wrong_number(row.name));
    }
    Ok(row)
}

/// A data command from its arguments; or what the client is told. `WITH` and commands that the front answers itself are refused here.
pub fn parse(argv: &[Bytes]) -> Result<Command, Reply> {
    parse_row(resolve(argv)?, argv)
}

fn parse_row(row: &Row, argv: &[Bytes]) -> Result<Command, Reply> {
    let Family::Data(parser) = row.family else {
        return Err(Reply::error(format!("ERR '{}' is not a command on keys", row.name)));
    };
    let mut keys = 0;
    for at in row.key_positions(argv) {
        keys += 1;
        if argv[at].len() > MAX_KEY_BYTES {
            return Err(Reply::error(format!("ERR key is longer than {MAX_KEY_BYTES} bytes")));
        }
    }
    if keys > MAX_KEYS_PER_COMMAND {
        return Err(Reply::error(format!("ERR more than {MAX_KEYS_PER_COMMAND} keys in one command")));
    }
    parser(row, argv)
}

/// A request for the shards, and how its client wants the answer.
#[derive(Clone, Debug, PartialEq)]
pub struct Parsed {
    /// For the node.
    pub request: Request,
    /// Answer `[reply, {level, node, version, as_of, …}]` instead of the reply alone.
    pub meta: bool,
}

/// A data command, plain or inside `WITH`, from its arguments; or what the client is told.
pub fn parse_request(argv: &[Bytes]) -> Result<Parsed, Reply> {
    let row = resolve(argv)?;
    if matches!(row.family, Family::Wrapper) {
        return with::parse(argv);
    }
    let mut request = Request::new(parse_row(row, argv)?);
    consistency::suffix(&argv[0], &mut request)?;
    Ok(Parsed { request, meta: false })
}

#[cfg(test)]
mod tests;
