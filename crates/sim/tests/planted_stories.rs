//! Bugs that others have had, planted in every node, and for each a story that ends otherwise then. So the stories are no decoration.
//!
//! Built only with the feature `planted` (`docs/simulator.md`). What general search finds of the same bugs stands in `planted.rs`. Two bugs no story meets, because leaders hand nothing in that would (`PredecessorNotChecked`,
//! `FloorNotEnforced`): `crates/node/tests/arbitration.rs` catches them.

#![cfg(feature = "planted")]

mod teller;

use node::planted::Planted;
use sim::stories::Story;
use teller::Teller;

/// Whether a story ends as recorded in a cluster with this bug.
fn ends_as_recorded(planted: Planted, name: &str) -> bool {
    let file = format!("{}/tests/stories/{name}.story", env!("CARGO_MANIFEST_DIR"));
    let recorded = std::fs::read_to_string(file).expect("the story is there");
    let told =
        std::panic::catch_unwind(|| goldenscript::generate(&mut Teller(Story::with(planted)), &recorded));
    matches!(told, Ok(Ok(told)) if told == recorded)
}

macro_rules! caught {
    ($($planted:ident by $test:ident: $folder:literal;)*) => {
        $(#[test]
        fn $test() {
            let name = concat!($folder, "/", stringify!($test));
            assert!(ends_as_recorded(Planted::Nothing, name), "{name} does not end as recorded anyway");
            assert!(!ends_as_recorded(Planted::$planted, name), "{name} ends as recorded with this bug too");
        })*

        #[test]
        fn every_bug_has_its_story() {
            let caught = [$(Planted::$planted),*];
            let known = [Planted::ReadDoesNotJoinDots, Planted::PredecessorNotChecked, Planted::FloorNotEnforced];
            for planted in sim::run::PLANTED {
                assert!(caught.contains(&planted) || known.contains(&planted), "no story meets {planted:?}");
            }
        }
    };
}

caught! {
    ReplyBeforeSync by a_write_is_answered_only_when_a_majority_has_it_on_disk: "logs";
    DedupNotInSnapshot by the_exactly_once_table_travels_with_the_snapshot: "snapshots";
    RepeatAppliedAgain by a_refused_condition_is_remembered_as_well: "exactly_once";
    AppliedAtRecovery by an_undecided_entry_is_not_applied_at_a_restart: "logs";
    VoteCountedTwice by a_vote_that_arrives_twice_counts_once: "elections";
    VoteForgotten by a_vote_is_remembered_across_a_power_loss: "elections";
    ReadWithoutRound by a_leader_cut_off_from_its_followers_answers_no_linearizable_read: "levels";
    LeaseByAnEarlierClock by a_request_that_came_while_its_node_slept_finds_no_lease_of_before: "lease";
    LeaseTooLong by a_lease_is_over_before_anybody_else_leads: "lease";
    ReadsOutOfLine by a_read_that_was_lost_is_not_overtaken_by_the_one_behind_it: "sessions";
    ReadBeforeApplied by a_leader_answers_no_read_before_it_has_applied_what_others_show: "levels";
    SessionNotAwaited by a_sequential_read_is_no_older_than_what_its_session_has_seen: "sessions";
    SessionNotMerged by what_a_session_writes_later_has_a_later_version_on_every_shard: "clocks";
    SafeTimeByClock by a_sequential_reader_of_one_shard_is_not_behind_on_another: "sessions";
    CausalWriteDoesNotWait by a_causal_write_waits_for_what_its_session_depends_on: "sessions";
    FoldIsNoPrefix by a_later_decision_does_not_vouch_for_an_earlier_one: "sessions";
    CoverageOutsideTheStream by a_replica_that_missed_one_write_does_not_think_that_it_has_all: "sessions";
    OutboxAnsweredBeforeSync by an_origin_that_restarts_sees_to_its_writes: "tentative";
    ClockBackOnRestart by an_origin_restarts_its_clock_above_what_it_had_taken: "clocks";
    StrongTimeForgotten by a_weak_overwrite_does_not_hide_the_strong_write_beneath: "tentative";
    TombstonesDropped by an_older_weak_write_does_not_bring_a_deleted_key_back: "tentative";
    OverlayByOtherRules by a_strong_write_hides_a_weak_one_as_soon_as_it_is_seen: "tentative";
    KeyForgetsDots by who_read_a_write_depends_on_it: "sessions";
    OtherShardsDotsForgotten by a_strong_write_waits_for_its_sessions_tentative_ones: "sessions";
    AbsentIsVersionZero by who_was_told_that_a_key_is_gone_does_not_see_it_again: "sessions";
    ExpiryByReplicaClock by a_replica_with_a_fast_clock_expires_no_key_by_itself: "clocks";
    FoldAfterProposal by a_strong_write_stands_behind_the_decisions_that_it_depends_on: "clocks";
    RebuiltVotesAtOnce by an_unborn_replica_votes_for_nobody: "rebuild";
    RemovalTakesUnseen by a_member_that_was_added_again_survives_its_removal: "tentative";
}

/// The same story meets another bug.
#[test]
fn a_reader_that_forgets_what_it_was_shown_is_caught_too() {
    assert!(!ends_as_recorded(Planted::ReadDoesNotJoinDots, "sessions/who_read_a_write_depends_on_it"));
}
