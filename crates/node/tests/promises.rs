//! What a replica promises to a leader that it has answered: for one election timeout it helps nobody else into office, because a lease may rest on that (`docs/consensus.md`, rule 8).
//!
//! One replica alone, without a node around it: the messages that endanger a promise are late ones of an earlier election, which no cluster sends on demand.

use bytes::Bytes;
use node::consensus::{Birth, Pace, Replica, founding_point};
use proto::ids::{GroupId, LogIndex, ReplicaId, Term};
use proto::peer::{ConsensusKind, ConsensusMessage};

const TIMEOUT: usize = 12;
const LEADER: ReplicaId = ReplicaId(1);
const CANDIDATE: ReplicaId = ReplicaId(4);

fn message(kind: ConsensusKind, term: u64) -> ConsensusMessage {
    ConsensusMessage {
        kind,
        term: Term(term),
        log_term: Term(1),
        index: LogIndex(1),
        commit: LogIndex(0),
        commit_term: Term(0),
        reject: false,
        reject_hint: LogIndex(0),
        request_snapshot: LogIndex(0),
        priority: 0,
        context: Bytes::new(),
        entries: Vec::new(),
    }
}

/// Replica 2 of five, which has heard the leader of term 2 a moment ago, and for longer than an election timeout.
fn follower() -> Replica {
    let mut replica = Replica::new(Birth {
        group: GroupId(1),
        replica: ReplicaId(2),
        seed: 1,
        point: founding_point((1..=5).map(ReplicaId).collect()),
        hard_state: Default::default(),
        entries: Vec::new(),
        pace: Pace { election_timeout_ticks: TIMEOUT, heartbeat_ticks: 2 },
    });
    for _ in 0..=TIMEOUT {
        replica.tick();
        hears(&mut replica, LEADER, message(ConsensusKind::Heartbeat, 2));
    }
    assert_eq!(replica.view().leader, LEADER);
    replica
}

/// Steps a message and answers what it said in return.
fn hears(replica: &mut Replica, from: ReplicaId, message: ConsensusMessage) -> Vec<ConsensusMessage> {
    replica.step(from, message).expect("admissible");
    let mut said = Vec::new();
    while let Some(work) = replica.take_work() {
        let number = work.number;
        said.extend(work.now.into_iter().chain(work.after_persist).map(|(_, message)| message));
        replica.persisted(number);
    }
    said
}

fn votes_for(replica: &mut Replica, kind: ConsensusKind, term: u64) -> bool {
    hears(replica, CANDIDATE, message(kind, term)).iter().any(|said| !said.reject)
}

#[test]
fn who_has_heard_a_leader_helps_nobody_else_for_one_election_timeout() {
    let mut replica = follower();
    for _ in 1..TIMEOUT {
        replica.tick();
        assert!(!votes_for(&mut replica, ConsensusKind::RequestPreVote, 3));
        assert!(!votes_for(&mut replica, ConsensusKind::RequestVote, 3));
    }
    replica.tick();
    assert!(votes_for(&mut replica, ConsensusKind::RequestVote, 3));
}

#[test]
fn a_late_answer_of_a_higher_term_does_not_free_a_replica_from_its_promise() {
    for kind in [
        ConsensusKind::AppendResponse,
        ConsensusKind::HeartbeatResponse,
        ConsensusKind::RequestVoteResponse,
        ConsensusKind::RequestPreVoteResponse,
    ] {
        let mut replica = follower();
        replica.tick();
        let late = ConsensusMessage { reject: true, ..message(kind, 7) };
        hears(&mut replica, ReplicaId(5), late);
        assert_eq!(replica.view().leader, ReplicaId(0), "{kind:?}: the library forgets its leader");
        for _ in 2..TIMEOUT {
            replica.tick();
            assert!(!votes_for(&mut replica, ConsensusKind::RequestPreVote, 8), "{kind:?}");
            assert!(!votes_for(&mut replica, ConsensusKind::RequestVote, 8), "{kind:?}");
        }
        replica.tick();
        assert!(votes_for(&mut replica, ConsensusKind::RequestVote, 8), "{kind:?}: and no longer");
    }
}

#[test]
fn who_is_told_to_stand_for_election_has_no_promise_left() {
    let mut replica = follower();
    replica.tick();
    hears(&mut replica, LEADER, message(ConsensusKind::TimeoutNow, 2));
    assert!(votes_for(&mut replica, ConsensusKind::RequestVote, 4), "its leader has given its lease up");
}
