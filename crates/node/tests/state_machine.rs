//! Scenarios of the data state machine: Redis commands at commit timestamps that the script chooses, their replies and versions recorded.
//!
//! A script is a `goldenscript` file. `at 5000` sets the clock to that many milliseconds; every command then goes through the real parser and is applied, or
//! read, one tick later. `empty` applies an empty entry, `due` tells whether reading a key would need one. `UPDATE_GOLDENFILES=1 cargo test -p node` rewrites the expected output: read the difference.

use bytes::Bytes;
use goldenscript::{Command, Context};
use node::apply::apply;
use node::query::{needs_empty_entry, read};
use proto::command::Command as DataCommand;
use proto::commands;
use proto::hlc::Timestamp;
use proto::ids::Slot;
use proto::limits::SLOT_COUNT;
use proto::ops::{KeyRead, Read, Write};
use proto::reply::Reply;
use std::error::Error;
use storage::state::ShardState;

struct Machine {
    state: ShardState,
    now: Timestamp,
}

impl Machine {
    fn new() -> Machine {
        Machine { state: ShardState::new(Slot(0), SLOT_COUNT), now: Timestamp::ZERO }
    }

    fn write(&mut self, write: &Write) -> String {
        self.now = self.now.next();
        let applied = apply(&mut self.state, self.now, write);
        format!("{} @{:?}", show(&applied.reply), applied.version)
    }

    fn read(&self, what: &Read) -> String {
        let answered = read(&self.state, self.now.wall_ms(), what);
        let due = if needs_empty_entry(&self.state, self.now.wall_ms(), what) {
            " (needs an empty entry)"
        } else {
            ""
        };
        format!("{} @{:?}{due}", show(&answered.reply), answered.version)
    }

    /// What the commands over several shards become when one shard has every slot.
    fn run(&mut self, command: DataCommand) -> String {
        let key = |read| Read::Key(read);
        match command {
            DataCommand::Read { read, .. } => self.read(&read),
            DataCommand::Write { write, .. } => self.write(&write),
            DataCommand::MGet { keys } => self.read(&Read::String(proto::ops::StringRead::MGet { keys })),
            DataCommand::MSet { pairs } => {
                self.write(&Write::String(proto::ops::StringWrite::MSet { pairs }))
            }
            DataCommand::Del { keys } => self.write(&Write::Key(proto::ops::KeyWrite::Del { keys })),
            DataCommand::Exists { keys } => self.read(&key(KeyRead::Exists { keys })),
            DataCommand::DbSize => self.read(&key(KeyRead::Count)),
            DataCommand::Keys { pattern } => self.read(&key(KeyRead::Keys { pattern })),
            DataCommand::Scan { cursor, count, pattern, type_filter } => {
                self.read(&key(KeyRead::Scan { cursor, count, pattern, type_filter }))
            }
            DataCommand::RandomKey => self.read(&key(KeyRead::RandomKey { seed: 7 })),
            DataCommand::SessionToken | DataCommand::SessionResume { .. } | DataCommand::Wait { .. } => {
                "a shard knows no sessions".to_owned()
            }
            DataCommand::FlushAll => self.write(&Write::Key(proto::ops::KeyWrite::Flush)),
        }
    }
}

fn show(reply: &Reply) -> String {
    match reply {
        Reply::Nil | Reply::NilArray => "nil".to_owned(),
        Reply::Simple(text) => (*text).to_owned(),
        Reply::Status(text) | Reply::Error(text) => text.clone(),
        Reply::Int(number) => number.to_string(),
        Reply::Bulk(bytes) => format!("\"{}\"", bytes.escape_ascii()),
        Reply::Array(items) => format!("[{}]", items.iter().map(show).collect::<Vec<_>>().join(", ")),
        Reply::Set(items) => format!("~[{}]", items.iter().map(show).collect::<Vec<_>>().join(", ")),
        Reply::Double(number) => format!("{number:?}"),
        Reply::Pairs(pairs) => {
            let pairs = pairs.iter().map(|(first, second)| format!("({}, {})", show(first), show(second)));
            format!("[{}]", pairs.collect::<Vec<_>>().join(", "))
        }
        Reply::Map(pairs) => {
            let pairs = pairs.iter().map(|(key, value)| format!("{}: {}", show(key), show(value)));
            format!("{{{}}}", pairs.collect::<Vec<_>>().join(", "))
        }
        other => format!("{other:?}"),
    }
}

impl goldenscript::Runner for Machine {
    type Command = Command;

    fn run(&mut self, command: &Command, _: &Context) -> Result<String, Box<dyn Error>> {
        let mut argv = vec![command.name.clone()];
        argv.extend(command.args.iter().map(|argument| match argument {
            goldenscript::Argument::Positional(value) => value.clone(),
            other => other.to_string(),
        }));
        match (argv[0].as_str(), &argv[1..]) {
            ("at", [ms]) => {
                self.now = self.now.max(Timestamp::from_wall_ms(ms.parse()?));
                Ok(String::new())
            }
            ("empty", []) => {
                self.now = self.now.next();
                self.state.advance(self.now);
                Ok(format!("{} keys, next expiry {:?}\n", self.state.len(), self.state.next_expiry_ms()))
            }
            _ => {
                let argv: Vec<Bytes> = argv.into_iter().map(Bytes::from).collect();
                let line = match commands::parse(&argv) {
                    Ok(command) => Machine::run(self, command),
                    Err(reply) => show(&reply),
                };
                Ok(format!("{line}\n"))
            }
        }
    }
}

macro_rules! scenarios {
    ($($name:ident)*) => {
        $(#[test]
        fn $name() -> std::io::Result<()> {
            let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/scenarios");
            goldenscript::run(&mut Machine::new(), format!("{folder}/{}", stringify!($name)))
        })*
    };
}

scenarios! {
    a_command_on_another_type_is_refused_and_changes_nothing
    a_conditional_set_that_does_not_hold_changes_nothing
    a_key_is_gone_at_its_expiry_and_counts_as_deleted_then
    a_renamed_key_takes_its_expiry_along
    an_emptied_collection_deletes_its_key
    an_expiry_in_the_past_deletes_the_key
    appending_and_overwriting_parts_is_bounded
    counters_keep_the_expiry_and_refuse_what_is_no_number
    expire_obeys_its_conditions
    getex_and_getdel_answer_the_old_value
    hash_fields_hold_values_and_numbers
    keys_of_every_type_are_copied_renamed_and_told_apart
    lists_are_pushed_cut_and_searched_from_both_ends
    object_tells_encodings_as_redis_would
    scan_keys_and_randomkey_see_the_whole_key_space
    sets_change_only_by_what_is_new_or_gone
    sorted_sets_are_read_by_rank_score_and_name
    versions_move_with_values_and_expiries
    what_several_sets_make_is_answered_or_stored
    what_several_sorted_sets_make_is_answered_or_stored
    zadd_obeys_its_conditions
}
