//! What a batch need not reach, and why. Everything else it must: in [`GATE_SEEDS`] seeds, or, for what is rare, in [`SOAK_SEEDS`] or [`LONG_SOAK_SEEDS`].
//!
//! A kind leaves these lists when the simulator learns to reach it, and the check says so: what is called out of reach and was reached is a complaint too.

use super::Family;

/// From so many seeds on a batch must have reached all that is not listed here. The gate runs as many.
pub(super) const GATE_SEEDS: u64 = 150;
/// From so many seeds on it must have reached the rare kinds as well.
const SOAK_SEEDS: u64 = 2_000;
/// From so many on even these: branches that only see to what a chain of two or three losses leaves behind.
const LONG_SOAK_SEEDS: u64 = 20_000;

/// Kinds that were not reached in 2,461 seeds of one batch.
const RAREST: &[(Family, &str, &str)] = &[
    (
        Family::Branches,
        "lost words about copies were asked for again",
        "a word must be lost that an answer waits for, of an operation that is decided meanwhile",
    ),
    (
        Family::Branches,
        "an operation in the middle of others lacked its predecessor",
        "a part of a message must be decided before the rest of it comes",
    ),
];

/// Kinds that only long batches reach, or short ones so seldom that a change of anything may take them away.
const RARE: &[(Family, &str, &str)] = &[
    (
        Family::Verdicts,
        "refused by what was there",
        "its origin must not have seen what the key became meanwhile",
    ),
    (
        Family::Branches,
        "a late message of a higher term made a replica forget its leader, and it kept from voting",
        "an answer to an election that is over must come late",
    ),
    (
        Family::Branches,
        "a forward came from an earlier start of its front",
        "the first forward of a start must be held up for longer than a restart takes",
    ),
    (
        Family::Branches,
        "a weak write that was refused was asked for again",
        "the session must be ahead of a replica's clock by more than peers accept",
    ),
    (
        Family::Branches,
        "a replica passed hints on to the leader",
        "a node must reach a follower and no leader",
    ),
    (
        Family::Branches,
        "a start found what a broken transfer had left behind",
        "a receiver must die in the middle of a transfer",
    ),
    (Family::Branches, "a received snapshot was not needed any more", "entries must overtake a snapshot"),
    (Family::Branches, "a snapshot was offered to who needed none", "an offer must be late"),
    (
        Family::Messages,
        "directory-wanted",
        "a node must have lost its replica of the directory with its disk",
    ),
    (Family::Messages, "directory-copy", "as directory-wanted"),
    (
        Family::Mishaps,
        "a node did not start for want of space",
        "a machine must lose power while its disk is full",
    ),
    (
        Family::Branches,
        "a lease ended between a read and its answer, and the read waited for a round",
        "a process must sleep between reading and replying",
    ),
    (Family::Branches, "a node without a replica of the directory took a copy", "as directory-wanted"),
];

/// Kinds that no run reaches, as things are.
const OUT_OF_REACH: &[(Family, &str, &str)] = &[
    (Family::Messages, "read-index", "the library's own; never travels between nodes"),
    (Family::Messages, "read-index-response", "the library's own; never travels between nodes"),
    (Family::Messages, "transfer-leader", "the library's own; never travels between nodes"),
    (Family::Events, "group poisoned", "a failure of the run"),
    (Family::Events, "state differs", "a failure of the run; `node/tests/quarantine.rs` has it"),
    (Family::Events, "quarantined", "as state differs"),
    (Family::Answers, "Invalid", "the workload asks for nothing invalid"),
    (Family::Answers, "Level", "the workload asks for no command below its levels"),
    (Family::Answers, "Closed", "a node that stops lets its clients finish, and then the connection is gone"),
    (Family::Answers, "Expired", "a client repeats a number before it has given out 64 others"),
    (
        Family::Verdicts,
        "repeated",
        "a leader proposes nothing that its log has; `node/tests/arbitration.rs` has it",
    ),
    (
        Family::Verdicts,
        "too early",
        "a leader proposes nothing whose time has not come; `node/tests/arbitration.rs` has it",
    ),
    (Family::Verdicts, "hints repeated", "as repeated"),
    (
        Family::Branches,
        "the library did not take proposals at once",
        "a leader that hands over does not propose, and no group has 8 MiB undecided",
    ),
    (
        Family::Branches,
        "an entry repeated a write that was applied",
        "a leader proposes nothing that its log has; the tests of `node::sessions` have it",
    ),
    (
        Family::Branches,
        "an entry came from an earlier start of its front",
        "a leader accepts nothing of an earlier start; the tests of `node::sessions` have it",
    ),
    (
        Family::Branches,
        "an entry was applied before its predecessor, and did nothing",
        "a leader accepts a front's writes in their order only",
    ),
    (
        Family::Branches,
        "an answer waited because its session would have had too many dots",
        "a minute does not have so many origins; `node/tests/front.rs` has it",
    ),
];

fn reason<'a>(list: &'a [(Family, &str, &str)], family: Family, name: &str) -> Option<&'a str> {
    list.iter().find(|(of, known, _)| *of == family && *known == name).map(|(_, _, why)| *why)
}

/// Whether no run can reach it.
pub(super) fn is_out_of_reach(family: Family, name: &str) -> bool {
    reason(OUT_OF_REACH, family, name).is_some() || (family == Family::Operations && !is_asked(name))
}

/// What is wrong with a kind's count after so many seeds.
pub(super) fn complaint(family: Family, name: &str, count: u64, seeds: u64) -> Option<&'static str> {
    let enough = if reason(RAREST, family, name).is_some() {
        LONG_SOAK_SEEDS
    } else if reason(RARE, family, name).is_some() {
        SOAK_SEEDS
    } else {
        GATE_SEEDS
    };
    match (is_out_of_reach(family, name), count) {
        (true, 1..) => Some("was reached, and is listed as out of reach: take it off the list"),
        (false, 0) if seeds >= enough => Some("was never reached"),
        _ => None,
    }
}

/// Whether the workload asks such an operation at such a level at all.
fn is_asked(name: &str) -> bool {
    let Some((kind, level)) = name.rsplit_once(", ") else { return false };
    let is_strong = matches!(level, "linearizable" | "sequential");
    match kind {
        "del of several" | "exists" | "scan" | "randomkey" | "flushall" | "session token" | "wait" => false,
        // A level of its own would mean nothing.
        "session resume" => level == "linearizable",
        "mget" | "mset" | "dbsize" | "keys" => is_strong,
        _ => true,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_exception_names_a_kind_and_a_reason() {
        for (family, name, why) in RARE.iter().chain(RAREST).chain(OUT_OF_REACH) {
            assert!(family.names().iter().any(|known| known == name), "{family:?} has no {name:?}");
            assert!(!why.is_empty(), "{name}");
        }
    }
}
