//! Hand-written stories over real cores, with recorded output: one test a story, so that the one that fails is named.
//!
//! What a story can say stands in `docs/simulator.md`. `UPDATE_GOLDENFILES=1 cargo nextest run -p sim --test stories` records what is told anew: read the difference.

mod teller;

use teller::Teller;

/// The stories of each folder. One that is not named here fails `every_story_is_told`.
macro_rules! stories {
    ($($folder:ident { $($name:ident)* })*) => {
        $(mod $folder {
            $(#[test]
            fn $name() -> std::io::Result<()> {
                let file = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/stories/", stringify!($folder), "/", stringify!($name), ".story");
                goldenscript::run(&mut super::Teller::default(), file)
            })*
        })*

        /// Folder and name of each.
        const TOLD: &[&str] = &[$($(concat!(stringify!($folder), "/", stringify!($name), ".story")),*),*];

        #[test]
        fn every_story_is_told() {
            let root = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/stories");
            let folders = std::fs::read_dir(root).expect("the folder of stories").map(|entry| entry.expect("a name").path());
            let files = folders.flat_map(|folder| std::fs::read_dir(folder).expect("a folder of stories"));
            for file in files.map(|entry| entry.expect("a name").path()) {
                let name = file.strip_prefix(root).expect("below the root").to_str().expect("text").to_owned();
                assert!(TOLD.contains(&name.as_str()), "{name} is not named in crates/sim/tests/stories.rs");
            }
        }
    };
}

stories! {
    clocks {
        a_clock_that_is_too_far_ahead_is_not_believed
        a_leader_whose_clock_went_back_commits_later_times
        a_new_leader_with_a_slow_clock_brings_no_expired_key_back
        a_replica_with_a_fast_clock_expires_no_key_by_itself
        a_session_goes_forward_over_a_clock_that_went_back
        a_strong_write_stands_behind_the_decisions_that_it_depends_on
        an_expired_key_is_gone_at_every_node_at_the_same_entry
        an_origin_restarts_its_clock_above_what_it_had_taken
        the_newest_wins_although_a_clock_was_behind
        what_a_session_writes_later_has_a_later_version_on_every_shard
    }
    disks {
        a_damaged_snapshot_is_refused_and_never_served
        a_failed_sync_ends_the_node_and_is_not_tried_again
        a_followers_slow_disk_keeps_no_client_waiting
        a_killed_process_keeps_what_it_had_written
        a_leader_whose_sync_fails_answers_nothing_that_rests_on_it
        a_node_that_loses_power_just_after_a_snapshot_starts_on_it
        a_restart_applies_no_entry_twice
        a_torn_end_of_a_log_is_cut
        all_lose_power_and_every_answered_write_is_there
        an_unanswered_write_is_there_or_not_but_the_same_everywhere
        damage_in_the_middle_of_a_log_stops_its_node_and_nobody_else
    }
    elections {
        a_cluster_whose_nodes_all_lost_power_elects_again
        a_follower_that_lacks_a_decided_write_is_not_elected
        a_higher_term_with_a_shorter_log_blocks_no_election
        a_leader_cut_off_from_its_followers_steps_down
        a_leader_that_is_paused_for_long_finds_that_it_leads_no_more
        a_leader_that_stops_hands_over_before_it_goes
        a_minority_elects_nobody
        a_new_leader_reads_only_what_it_has_applied
        a_node_that_comes_back_from_isolation_disturbs_no_leader
        a_vote_is_remembered_across_a_power_loss
        a_vote_that_arrives_twice_counts_once
        leadership_goes_home_when_everybody_has_been_back_for_a_while
        the_next_leader_has_every_write_that_was_answered
    }
    exactly_once {
        a_forward_that_arrives_twice_is_applied_once
        a_forward_whose_answer_was_lost_is_not_applied_again_by_the_next_leader
        a_full_memory_refuses_what_grows_and_serves_the_rest
        a_number_that_was_forgotten_is_never_applied_again
        a_numbered_weak_write_counts_once
        a_numbered_write_may_be_repeated_through_another_node
        a_read_does_not_overtake_its_own_connections_write
        a_refused_condition_is_remembered_as_well
        a_write_that_never_arrived_leaves_no_gap
        the_table_survives_the_loss_of_all_power
    }
    lease {
        a_leader_that_began_a_transfer_has_no_lease_again_in_that_term
        a_leader_with_a_lease_reads_without_asking_anybody
        a_lease_is_over_before_anybody_else_leads
        a_pause_between_reading_and_answering_ends_the_lease
        a_read_from_another_node_rests_on_the_lease_too
        a_request_that_came_while_its_node_slept_finds_no_lease_of_before
        a_restarted_node_elects_nobody_inside_anothers_lease
        a_slow_clock_within_the_margin_keeps_no_lease_too_long
        a_wall_clock_that_goes_back_lengthens_no_lease
        ticks_missed_in_a_stall_are_not_made_up
        without_a_lease_every_linearizable_read_asks_a_majority
    }
    levels {
        a_ladder_names_the_rung_that_was_met
        a_leader_answers_no_read_before_it_has_applied_what_others_show
        a_leader_cut_off_from_its_followers_answers_no_linearizable_read
        a_leader_that_is_handing_over_proves_every_read
        a_linearizable_read_sees_every_answered_write_at_every_node
        a_minority_takes_weak_operations_and_refuses_strong_ones
        a_node_without_a_replica_serves_every_level
        a_read_that_cannot_prove_its_age_is_refused
        a_read_that_waits_at_a_deposed_leader_goes_on_to_the_next
        a_write_that_was_handed_over_does_not_step_down
        an_unknown_level_is_an_error_and_nothing_is_done
        what_decides_is_refused_below_sequential
    }
    links {
        a_chain_of_five_elects_one_leader_when_its_middle_dies_and_comes_back
        a_chain_of_three_goes_on
        a_direction_that_is_cut_is_gone_around
        a_hub_that_lacks_the_newest_write_lets_the_others_elect_through_it
        a_leader_that_hears_nobody_steps_down
        a_node_that_is_heard_and_hears_nobody_does_not_depose_the_leader
        quorum_loss_is_mended_by_the_hub
    }
    logs {
        a_deposed_leaders_entry_is_overwritten_and_its_client_hears_unknown
        a_follower_that_restarts_in_the_middle_of_many_writes_misses_none
        a_follower_that_was_away_catches_up_from_the_log
        a_leader_does_not_count_its_own_log_before_it_is_synced
        a_write_is_answered_only_when_a_majority_has_it_on_disk
        an_acknowledgement_from_before_a_log_went_back_counts_for_nothing
        an_append_that_arrives_twice_is_stored_once
        an_old_and_a_new_leader_never_both_answer
        an_undecided_entry_is_not_applied_at_a_restart
        appends_that_overtake_each_other_leave_no_gap
        one_connections_writes_stay_in_order_over_a_change_of_leader
        two_deposed_leaders_leave_nothing_behind
        what_only_a_minority_had_may_be_decided_by_the_next_leader
    }
    rebuild {
        a_damaged_node_is_filled_anew_from_its_peers
        a_log_that_is_gone_is_no_first_start
        a_rebuilt_origin_uses_no_number_twice
        a_write_with_two_copies_outlives_its_origins_disk
        an_unborn_replica_votes_for_nobody
        what_only_a_lost_disk_held_keeps_nobody_waiting_for_ever
    }
    sessions {
        a_read_that_was_lost_is_not_overtaken_by_the_one_behind_it
        a_causal_read_that_cannot_see_what_its_session_saw_hears_behind
        a_causal_write_waits_for_what_its_session_depends_on
        a_later_decision_does_not_vouch_for_an_earlier_one
        a_lost_connection_takes_its_session_along
        a_replica_that_missed_one_write_does_not_think_that_it_has_all
        a_sequential_read_is_no_older_than_what_its_session_has_seen
        a_sequential_read_of_an_idle_shard_waits_for_one_empty_entry
        a_sequential_reader_of_one_shard_is_not_behind_on_another
        a_session_reads_its_own_tentative_write_wherever_it_goes
        a_strong_write_waits_for_its_sessions_tentative_ones
        a_token_that_is_handed_over_carries_what_it_saw
        a_token_that_nobody_made_is_refused
        an_answer_says_when_no_answer_is_decided_yet
        an_idle_shard_that_is_cut_off_may_answer_behind
        monotonic_reads_hold_over_nodes_of_different_age
        what_only_a_dead_node_holds_keeps_its_session_waiting_and_no_other
        who_read_a_write_depends_on_it
        who_was_told_that_a_key_is_gone_does_not_see_it_again
    }
    snapshots {
        a_follower_behind_a_cut_log_gets_a_snapshot
        a_lost_piece_of_a_snapshot_is_sent_again
        a_node_starts_from_its_snapshot_and_the_log_behind_it
        a_quiet_cluster_brings_a_follower_up_that_is_behind_a_purged_log
        a_receiver_that_dies_in_the_middle_begins_again
        a_sender_that_dies_in_the_middle_is_replaced
        a_tombstone_travels_with_the_snapshot
        an_offer_that_comes_late_takes_no_follower_back
        the_exactly_once_table_travels_with_the_snapshot
        the_marks_of_tentative_operations_travel_with_the_snapshot
    }
    tentative {
        a_deletion_holds_after_its_tombstone_was_dropped
        a_hint_is_handed_over_when_its_shard_can_be_reached
        a_hint_loses_to_a_strong_write_and_the_conflict_log_says_so
        a_late_increment_makes_a_deleted_key_again
        a_member_that_was_added_again_survives_its_removal
        a_strong_deletion_is_not_undone_by_who_had_not_seen_it
        a_strong_write_hides_a_weak_one_as_soon_as_it_is_seen
        a_weak_deletion_holds_after_its_tombstone_was_dropped
        a_weak_overwrite_does_not_hide_the_strong_write_beneath
        a_weak_write_is_decided_once_however_often_it_is_submitted
        a_weak_write_loses_to_a_strong_write_that_it_had_not_seen
        a_weak_write_of_another_type_is_refused_when_it_is_decided
        a_weak_write_that_had_seen_the_strong_one_takes_effect
        an_expiry_supersedes_nothing_by_itself
        an_increment_over_a_strong_write_adds_to_it
        an_older_weak_write_does_not_bring_a_deleted_key_back
        an_origin_that_restarts_sees_to_its_writes
        an_origins_writes_are_decided_in_their_order
        counters_of_both_sides_of_a_cut_add_up
        hash_fields_of_both_sides_are_merged_field_by_field
        list_pushes_of_both_sides_are_kept_once_each
        one_acknowledgement_dies_with_its_disk
        the_newer_of_two_weak_writes_wins_whichever_is_decided_first
        the_older_of_two_weak_writes_loses_when_it_is_decided_first_as_well
        two_acknowledgements_survive_their_origin
        what_is_shown_over_the_decided_state_is_what_will_be_decided
    }
}
