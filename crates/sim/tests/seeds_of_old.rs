//! Seeds that once showed something wrong, here or in the node. Each is named after what it showed. A change of what is drawn makes other worlds of them; then they are worth as much as
//! any other seed, and no less.

use sim::aims::Aim;
use sim::run::{Options, run};

fn passes(seed: u64) {
    passes_in(seed, Options::default());
}

fn passes_in(seed: u64, options: Options) {
    let ended = run(seed, options);
    assert!(ended.failure.is_none(), "seed {seed}: {:?}", ended.failure);
}

/// OOM was answered though an earlier leader had proposed the write, which was decided later.
#[test]
fn a_refusal_for_want_of_memory_is_true_of_every_attempt() {
    passes(1417);
}

/// With a full memory and a pipeline through a follower no attempt was the only one, so nobody was ever told more than UNKNOWN.
#[test]
fn a_full_memory_says_so_to_those_who_pipeline_through_a_follower() {
    passes(931);
}

/// An outage was drawn that lasted longer than the world: the node was still down when everybody was to serve again.
#[test]
fn healing_ends_an_outage_however_long_it_was_drawn() {
    passes(717);
}

/// A strong deletion found nothing, so for the judge it was a read: it asked those who found the key absent behind it for the causes of the deletion before it, which the strong one had
/// wiped away.
#[test]
fn what_a_deletion_that_found_nothing_wiped_away_is_not_asked_for() {
    let options = Options { aim: Some(Aim::Leases), ..Options::default() };
    passes_in(2418, options);
}

/// A read was lost and sent again, so it showed a newer state than the one behind it in its pipeline.
#[test]
fn pipelined_reads_keep_their_order_when_one_is_lost() {
    passes(25);
}
