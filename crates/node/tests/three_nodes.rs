//! Three cores in one thread, with a perfect network and a disk that forgets nothing: the shortest way to see that the parts fit.
//!
//! The hostile version of this is the simulator (`crates/sim`). Here a failure can be read at a glance.

use bytes::Bytes;
use directory::address::Address;
use directory::founding::{Founder, FoundingSet};
use directory::state::DirectoryState;
use node::config::Config;
use node::core::Core;
use node::io::{Input, Output};
use proto::error::ErrorKind;
use proto::ids::{ClusterId, ConnectionId, Incarnation, NodeId, RequestId};
use proto::level::Level;
use proto::outcome::{Achieved, Outcome};
use proto::reply::Reply;
use proto::time::{Mono, Now};
use std::collections::{BTreeMap, VecDeque};
use storage::disk::{Disk, DiskError};
use storage::identity::Identity;

/// A data folder in memory.
#[derive(Default)]
struct Folder(BTreeMap<String, Vec<u8>>);

impl Disk for Folder {
    fn list(&mut self) -> Result<Vec<String>, DiskError> {
        Ok(self.0.keys().cloned().collect())
    }
    fn len_bytes(&mut self, file: &str) -> Result<Option<u64>, DiskError> {
        Ok(self.0.get(file).map(|bytes| bytes.len() as u64))
    }
    fn read(&mut self, file: &str, offset: u64, len_bytes: u64) -> Result<Bytes, DiskError> {
        let bytes = &self.0[file];
        let from = (offset as usize).min(bytes.len());
        let to = (offset.saturating_add(len_bytes) as usize).min(bytes.len());
        Ok(Bytes::copy_from_slice(&bytes[from..to]))
    }
    fn create(&mut self, file: &str, len_bytes: u64) -> Result<(), DiskError> {
        self.0.insert(file.to_owned(), vec![0; len_bytes as usize]);
        Ok(())
    }
    fn write(&mut self, file: &str, offset: u64, data: &[u8]) -> Result<(), DiskError> {
        let bytes = self.0.entry(file.to_owned()).or_default();
        let end = offset as usize + data.len();
        if bytes.len() < end {
            bytes.resize(end, 0);
        }
        bytes[offset as usize..end].copy_from_slice(data);
        Ok(())
    }
    fn sync(&mut self, _file: &str) -> Result<(), DiskError> {
        Ok(())
    }
    fn rename(&mut self, from: &str, to: &str) -> Result<(), DiskError> {
        let bytes = self.0.remove(from).expect("the file is there");
        self.0.insert(to.to_owned(), bytes);
        Ok(())
    }
    fn remove(&mut self, file: &str) -> Result<(), DiskError> {
        self.0.remove(file);
        Ok(())
    }
    fn sync_folder(&mut self) -> Result<(), DiskError> {
        Ok(())
    }
}

struct Cluster {
    now: Now,
    set: FoundingSet,
    folders: Vec<Folder>,
    starts: Vec<u64>,
    cores: Vec<Option<Core>>,
    inputs: VecDeque<(usize, Input)>,
    answers: BTreeMap<(usize, u64), Outcome>,
    next_request: u64,
    /// Of the newest answer.
    achieved: Achieved,
    /// Between whom nothing passes.
    cut: Option<usize>,
}

impl Cluster {
    fn new(nodes: u16, shards: u32) -> Cluster {
        let address = |port| Address::new("127.0.0.1", port);
        let members = (1..=nodes)
            .map(|i| Founder {
                id: u128::from(i),
                peer: address(7200 + i),
                resp: address(7000 + i),
                http: address(7100 + i),
            })
            .collect();
        let set = FoundingSet {
            cluster: ClusterId([7; 16]),
            token_key: [1; 32],
            members,
            replicas: u32::from(nodes.min(3)),
            shards,
        };
        let count = usize::from(nodes);
        let mut cluster = Cluster {
            now: Now { mono: Mono(1_000_000_000), wall_ms: 1_700_000_000_000 },
            set,
            folders: (0..count).map(|_| Folder::default()).collect(),
            starts: vec![0; count],
            cores: (0..count).map(|_| None).collect(),
            inputs: VecDeque::new(),
            answers: BTreeMap::new(),
            next_request: 1,
            achieved: Achieved::default(),
            cut: None,
        };
        for at in 0..count {
            cluster.start(at);
        }
        cluster
    }

    fn start(&mut self, at: usize) {
        self.starts[at] += 1;
        let node = NodeId(at as u64 + 1);
        let identity = Identity {
            cluster: self.set.cluster,
            node,
            incarnation: Incarnation(self.starts[at]),
            cores: 1,
            founding: Bytes::new(),
        };
        let mut member = DirectoryState::genesis(&self.set).members[&node].clone();
        member.incarnation = identity.incarnation;
        let config = Config::new(identity, self.set.clone(), member, 42);
        let core = Core::start(config, &mut self.folders[at], self.now).expect("starts");
        self.cores[at] = Some(core);
        for other in 0..self.cores.len() {
            if other != at && self.cores[other].is_some() {
                self.inputs.push_back((at, Input::LinkUp { node: NodeId(other as u64 + 1) }));
                self.inputs.push_back((other, Input::LinkUp { node }));
            }
        }
    }

    fn kill(&mut self, at: usize) {
        self.cores[at] = None;
        for other in 0..self.cores.len() {
            self.inputs.push_back((other, Input::LinkDown { node: NodeId(at as u64 + 1) }));
        }
    }

    /// One round: everything that is queued is stepped, every core drained once.
    fn round(&mut self) {
        self.now.mono.0 += 1_000_000;
        self.now.wall_ms += 1;
        for (at, input) in std::mem::take(&mut self.inputs) {
            if let Some(core) = &mut self.cores[at] {
                core.step(self.now, input);
            }
        }
        for at in 0..self.cores.len() {
            let Some(core) = &mut self.cores[at] else { continue };
            for output in core.drain(self.now) {
                match output {
                    Output::Answer { connection: _, request, outcome, achieved, .. } => {
                        self.answers.insert((at, request.0), outcome);
                        self.achieved = achieved;
                    }
                    Output::Send { to, frame } => {
                        let to = to.0 as usize - 1;
                        if self.cut.is_none_or(|cut| at != cut && to != cut) {
                            let input = Input::Frame { from: NodeId(at as u64 + 1), bytes: frame };
                            self.inputs.push_back((to, input));
                        }
                    }
                    Output::Disk(job) => {
                        let result = storage::disk::run(&mut self.folders[at], &job.ops);
                        self.inputs.push_back((at, Input::DiskDone { job: job.id, result }));
                    }
                    Output::Fatal { message } => panic!("node {} gave up: {message}", at + 1),
                    Output::Event(_) | Output::MembersChanged | Output::Stopped => {}
                }
            }
        }
    }

    fn until(&mut self, what: &str, mut done: impl FnMut(&Cluster) -> bool) {
        for _ in 0..20_000 {
            if done(self) {
                return;
            }
            self.round();
        }
        panic!("not within 20 seconds: {what}");
    }

    fn ready(&mut self) {
        self.until("every node is ready", |cluster| cluster.cores.iter().flatten().all(Core::is_ready));
    }

    fn send(&mut self, at: usize, line: &str) -> u64 {
        let argv: Vec<Bytes> = line.split(' ').map(|word| Bytes::copy_from_slice(word.as_bytes())).collect();
        let body = proto::commands::parse_request(&argv).expect("a data command").request;
        let request = self.next_request;
        self.next_request += 1;
        let input = Input::Request { connection: ConnectionId(1), request: RequestId(request), body };
        self.inputs.push_back((at, input));
        request
    }

    fn outcome(&mut self, at: usize, line: &str) -> Outcome {
        let request = self.send(at, line);
        self.until(line, |cluster| cluster.answers.contains_key(&(at, request)));
        self.answers.remove(&(at, request)).expect("just seen")
    }

    fn call(&mut self, at: usize, line: &str) -> Reply {
        match self.outcome(at, line) {
            Outcome::Done { reply, .. } => reply,
            Outcome::Failed(failure) => panic!("{line}: {failure:?}"),
        }
    }

    fn fails(&mut self, at: usize, line: &str) -> ErrorKind {
        match self.outcome(at, line) {
            Outcome::Done { reply, .. } => panic!("{line}: {reply:?}"),
            Outcome::Failed(failure) => failure.kind,
        }
    }

    fn token(&mut self, at: usize) -> String {
        let Reply::Bulk(token) = self.call(at, "SESSION TOKEN") else { panic!("a token is text") };
        String::from_utf8(token.to_vec()).expect("a token is text")
    }
}

fn text(text: &str) -> Reply {
    Reply::bulk(Bytes::copy_from_slice(text.as_bytes()))
}

#[test]
fn what_is_written_through_one_node_is_read_through_another() {
    let mut cluster = Cluster::new(3, 8);
    cluster.ready();
    for key in 0..50 {
        assert_eq!(cluster.call(key % 3, &format!("SET key{key} value{key}")), Reply::OK);
    }
    for key in 0..50 {
        assert_eq!(cluster.call((key + 1) % 3, &format!("GET key{key}")), text(&format!("value{key}")));
    }
    assert_eq!(cluster.call(0, "DBSIZE"), Reply::Int(50));
    assert_eq!(
        cluster.call(1, "MGET key1 nothing key2"),
        Reply::Array(vec![text("value1"), Reply::Nil, text("value2")])
    );
    assert_eq!(cluster.call(2, "DEL key1 key2 nothing"), Reply::Int(2));
    assert_eq!(cluster.call(0, "FLUSHALL"), Reply::OK);
    assert_eq!(cluster.call(1, "DBSIZE"), Reply::Int(0));
}

/// A leader tells what it decided at the end of its next idle drain. With the next tick it would be up to 25 rounds later, with the next heartbeat up to 50.
#[test]
fn followers_apply_a_write_before_the_next_tick() {
    let mut cluster = Cluster::new(3, 1);
    cluster.ready();
    let applied = |cluster: &Cluster| -> Vec<u64> {
        let cores = cluster.cores.iter().flatten();
        let shards = cores.map(|core| core.status(cluster.now).shards.remove(0));
        shards.map(|shard| shard.local.expect("a replica everywhere").applied.0).collect()
    };
    for write in 0..40 {
        cluster.call(0, &format!("SET key {write}"));
        let newest = applied(&cluster).into_iter().max();
        let rounds = (0..100).find(|_| {
            let told = applied(&cluster).iter().all(|&index| Some(index) == newest);
            cluster.round();
            told
        });
        assert!(rounds.is_some_and(|rounds| rounds <= 6), "write {write}: {rounds:?} rounds");
    }
}

#[test]
fn leaders_are_spread_evenly_and_again_after_a_node_returns() {
    let mut cluster = Cluster::new(3, 32);
    cluster.ready();
    let spread = |cluster: &Cluster| {
        let status = cluster.cores[0].as_ref().expect("node 1 lives").status(cluster.now);
        status.nodes.iter().map(|node| node.leads).all(|leads| (10..=11).contains(&leads))
    };
    cluster.until("leaders are spread", spread);
    cluster.kill(2);
    cluster.until("the others lead everything", |cluster| {
        cluster.cores[0].as_ref().expect("node 1 lives").status(cluster.now).nodes[2].leads == 0
    });
    cluster.call(0, "SET while-away yes");
    cluster.start(2);
    cluster.until("leaders are spread again", spread);
    assert_eq!(cluster.call(2, "GET while-away"), text("yes"));
}

#[test]
fn everything_is_there_after_all_nodes_were_killed_at_once() {
    let mut cluster = Cluster::new(3, 4);
    cluster.ready();
    for key in 0..30 {
        cluster.call(key % 3, &format!("INCRBY counter{key} {key}"));
    }
    for at in 0..3 {
        cluster.kill(at);
    }
    for at in 0..3 {
        cluster.start(at);
    }
    cluster.ready();
    for key in 0..30 {
        assert_eq!(cluster.call(key % 3, &format!("GET counter{key}")), text(&key.to_string()));
    }
}

#[test]
fn a_node_alone_is_a_cluster() {
    let mut cluster = Cluster::new(1, 4);
    cluster.ready();
    assert_eq!(cluster.call(0, "SET k v"), Reply::OK);
    cluster.kill(0);
    cluster.start(0);
    assert_eq!(cluster.call(0, "GET k"), text("v"));
}

#[test]
fn pipelined_commands_of_one_connection_keep_their_order() {
    let mut cluster = Cluster::new(3, 4);
    cluster.ready();
    let mut requests = Vec::new();
    for n in 0..40 {
        requests.push((cluster.send(1, &format!("SET k {n}")), Reply::OK));
        requests.push((cluster.send(1, "GET k"), text(&n.to_string())));
        requests
            .push((cluster.send(1, &format!("APPEND k {n}")), Reply::Int(2 * n.to_string().len() as i64)));
    }
    cluster.until("all are answered", |cluster| {
        requests.iter().all(|(id, _)| cluster.answers.contains_key(&(1, *id)))
    });
    for (id, expected) in requests {
        let Outcome::Done { reply, .. } = &cluster.answers[&(1, id)] else { panic!("request {id} failed") };
        assert_eq!(*reply, expected);
    }
}

#[test]
fn a_follower_far_behind_catches_up_by_a_snapshot() {
    let mut cluster = Cluster::new(3, 2);
    cluster.ready();
    cluster.kill(2);
    let value = "x".repeat(100_000);
    for round in 0..400 {
        cluster.call(0, &format!("SET big{} {value}{round}", round % 20));
    }
    cluster.start(2);
    cluster.until("the follower has applied what the leader has", |cluster| {
        let applied = |at: usize| -> Vec<u64> {
            let status = cluster.cores[at].as_ref().expect("alive").status(cluster.now);
            status
                .shards
                .iter()
                .map(|shard| shard.local.as_ref().expect("a replica everywhere").applied.0)
                .collect()
        };
        applied(2) >= applied(0)
    });
    let digests = |cluster: &Cluster, at: usize| -> Vec<u128> {
        cluster.cores[at].as_ref().expect("alive").probes().iter().map(|probe| probe.digest).collect()
    };
    cluster.until("replicas are equal", |cluster| digests(cluster, 0)[1..] == digests(cluster, 2)[1..]);
    assert_eq!(cluster.call(2, "GET big7"), text(&format!("{value}387")));
}

#[test]
fn a_session_reads_its_own_writes_at_any_replica_and_across_shards() {
    let mut cluster = Cluster::new(3, 8);
    cluster.ready();
    for n in 0..40 {
        assert_eq!(cluster.call(n % 3, &format!("SET key{n} {n}")), Reply::OK);
        let token = cluster.token(n % 3);
        for at in 0..3 {
            // Also on shards that were never written: they catch up by an empty entry.
            for key in [n, n + 1] {
                let line = format!("WITH key{key} sequential AFTER {token} META DO GET key{key}");
                let expected = if key == n { text(&n.to_string()) } else { Reply::Nil };
                assert_eq!(cluster.call(at, &line), expected);
                assert_eq!(cluster.achieved.level, Level::Sequential);
            }
        }
    }
}

#[test]
fn a_resumed_session_is_as_new_as_the_one_that_it_came_from() {
    let mut cluster = Cluster::new(3, 2);
    cluster.ready();
    cluster.call(0, "SET k v");
    let token = cluster.token(0);
    assert_eq!(cluster.call(1, &format!("SESSION RESUME {token}")), Reply::OK);
    assert_eq!(cluster.call(1, "GET@sequential k"), text("v"));
    assert_eq!(cluster.fails(1, "SESSION RESUME nonsense"), ErrorKind::Invalid);
    assert_eq!(cluster.fails(1, "WITH k linearizable AFTER nonsense DO SET k w"), ErrorKind::Invalid);
    assert_eq!(cluster.call(1, "GET k"), text("v"), "nothing was applied");
}

#[test]
fn a_node_that_is_cut_off_answers_old_sessions_and_says_behind_to_newer_ones() {
    let mut cluster = Cluster::new(3, 1);
    cluster.ready();
    cluster.call(0, "SET k old");
    cluster.call(2, "GET@sequential k");
    let old = cluster.token(0);
    cluster.until("node 3 has it", |cluster| {
        let probe = |at: usize| cluster.cores[at].as_ref().expect("alive").probes()[1].digest;
        probe(0) == probe(2)
    });
    cluster.cut = Some(2);
    cluster.until("another leads", |cluster| {
        cluster.cores[0].as_ref().expect("alive").status(cluster.now).shards[0]
            .leader
            .is_some_and(|leader| leader != NodeId(3))
    });
    cluster.call(0, "SET k new");
    let new = cluster.token(0);
    let read = |token: &str| format!("WITH k sequential AFTER {token} DEADLINE 500 META DO GET k");
    assert_eq!(cluster.call(2, &read(&old)), text("old"));
    assert!(cluster.achieved.age_ms > 0);
    assert_eq!(cluster.fails(2, &read(&new)), ErrorKind::Behind);
    assert_eq!(cluster.fails(2, "WITH k sequential MAXSTALE 1 DEADLINE 500 DO GET k"), ErrorKind::Behind);
    assert_eq!(cluster.fails(2, "WITH k linearizable DEADLINE 500 DO GET k"), ErrorKind::NoQuorum);
    let ladder = format!("WITH k linearizable;100ms,sequential AFTER {old} META DO GET k");
    assert_eq!(cluster.call(2, &ladder), text("old"));
    assert_eq!(cluster.achieved.level, Level::Sequential);
    cluster.cut = None;
    assert_eq!(cluster.call(2, &read(&new)), text("new"));
    assert_eq!(cluster.call(2, &ladder), text("new"));
}

#[test]
fn a_staleness_bound_is_proven_by_the_leader_where_the_shard_is_idle() {
    let mut cluster = Cluster::new(3, 1);
    cluster.ready();
    cluster.call(0, "SET k v");
    for _ in 0..3_000 {
        cluster.round();
    }
    for at in 0..3 {
        cluster.call(at, "GET@sequential k");
        assert!(cluster.achieved.age_ms >= 2_000, "nothing asked for more: {:?}", cluster.achieved);
    }
    for at in 0..3 {
        assert_eq!(cluster.call(at, "WITH k sequential MAXSTALE 100 META DO GET k"), text("v"));
        // The bound counts from the arrival of the request.
        assert!(cluster.achieved.age_ms <= 110, "{:?}", cluster.achieved);
    }
}

#[test]
fn a_cluster_at_rest_writes_nothing() {
    let mut cluster = Cluster::new(3, 8);
    cluster.ready();
    cluster.call(0, "SET k v");
    let syncs = |cluster: &Cluster| -> Vec<u64> {
        cluster.cores.iter().flatten().map(|core| core.status(cluster.now).log.syncs).collect()
    };
    for _ in 0..2_000 {
        cluster.round();
    }
    let before = syncs(&cluster);
    for _ in 0..10_000 {
        cluster.round();
    }
    assert_eq!(syncs(&cluster), before);
}

/// A change of an expiry leaves the version alone; a session that has seen it depends on it all the same.
#[test]
fn a_session_that_has_seen_an_expiry_depends_on_the_write_that_set_it() {
    let mut cluster = Cluster::new(3, 1);
    cluster.ready();
    cluster.call(0, "SET k v");
    let Outcome::Done { certificate, .. } = cluster.outcome(0, "PEXPIRE k 100000") else { panic!() };
    let set_at = certificate.as_of;
    // A session of its own, which has seen nothing but this.
    let Reply::Int(ttl_ms) = cluster.call(1, "PTTL k") else { panic!() };
    assert!(ttl_ms > 0);
    let Outcome::Done { certificate, .. } = cluster.outcome(1, "PTTL@sequential k") else { panic!() };
    assert!(certificate.as_of >= set_at, "{certificate:?}");
}
