//! Some cores in one thread, with a perfect network that can be cut and disks that forget nothing.
//!
//! The hostile version of this is the simulator (`crates/sim`).

#![allow(dead_code)] // not every test file uses all of it

use bytes::Bytes;
use directory::address::Address;
use directory::founding::{Founder, FoundingSet};
use directory::state::DirectoryState;
use node::config::Config;
use node::core::Core;
use node::io::{Input, Output};
use proto::error::ErrorKind;
use proto::frame::Frame;
use proto::ids::{ClusterId, ConnectionId, Incarnation, NodeId, RequestId};
use proto::outcome::{Achieved, Outcome};
use proto::peer::Message;
use proto::reply::Reply;
use proto::time::{Mono, Now};
use std::collections::{BTreeMap, VecDeque};
use storage::disk::{Disk, DiskError};
use storage::identity::Identity;

/// A data folder in memory.
#[derive(Default)]
pub(crate) struct Folder(BTreeMap<String, Vec<u8>>);

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

pub(crate) struct Cluster {
    pub(crate) now: Now,
    pub(crate) set: FoundingSet,
    pub(crate) folders: Vec<Folder>,
    pub(crate) starts: Vec<u64>,
    pub(crate) cores: Vec<Option<Core>>,
    pub(crate) inputs: VecDeque<(usize, Input)>,
    pub(crate) answers: BTreeMap<(usize, u64), Outcome>,
    pub(crate) next_request: u64,
    /// Of the newest answer.
    pub(crate) achieved: Achieved,
    /// Between whom nothing passes.
    pub(crate) cut: Option<usize>,
    /// Whose disk does not answer, and what it was asked.
    pub(crate) hanging: Option<usize>,
    pub(crate) hung: Vec<storage::disk::DiskJob>,
    /// Which messages are lost on the way.
    pub(crate) lost: Option<Lost>,
    /// Changes messages on the way to a node, from 0, as damaged memory would: checksums fit.
    pub(crate) tampers: Option<Tampers>,
}

pub(crate) type Lost = Box<dyn FnMut(&Message) -> bool>;
pub(crate) type Tampers = Box<dyn FnMut(usize, &mut Message)>;

impl Cluster {
    pub(crate) fn new(nodes: u16, shards: u32) -> Cluster {
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
            hanging: None,
            hung: Vec::new(),
            lost: None,
            tampers: None,
        };
        for at in 0..count {
            cluster.start(at);
        }
        cluster
    }

    pub(crate) fn start(&mut self, at: usize) {
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

    pub(crate) fn kill(&mut self, at: usize) {
        self.cores[at] = None;
        for other in 0..self.cores.len() {
            self.inputs.push_back((other, Input::LinkDown { node: NodeId(at as u64 + 1) }));
        }
    }

    /// One round: everything that is queued is stepped, every core drained once.
    pub(crate) fn round(&mut self) {
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
                    Output::Send { to, frame } | Output::Relay { to, frame } => {
                        let to = to.0 as usize - 1;
                        let frame = match &mut self.lost {
                            Some(lost) => without(&frame, lost),
                            None => frame,
                        };
                        let frame = match &mut self.tampers {
                            Some(tampers) => tampered(&frame, to, tampers),
                            None => frame,
                        };
                        if self.cut.is_none_or(|cut| at != cut && to != cut) {
                            let input = Input::Frame { from: NodeId(at as u64 + 1), bytes: frame };
                            self.inputs.push_back((to, input));
                        }
                    }
                    Output::Disk(job) if self.hanging == Some(at) => self.hung.push(job),
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

    /// The disk that hung does what it was asked.
    pub(crate) fn disk_goes_on(&mut self) {
        let at = self.hanging.take().expect("a disk hangs");
        for job in std::mem::take(&mut self.hung) {
            let result = storage::disk::run(&mut self.folders[at], &job.ops);
            self.inputs.push_back((at, Input::DiskDone { job: job.id, result }));
        }
    }

    pub(crate) fn until(&mut self, what: &str, mut done: impl FnMut(&Cluster) -> bool) {
        for _ in 0..20_000 {
            if done(self) {
                return;
            }
            self.round();
        }
        panic!("not within 20 seconds: {what}");
    }

    pub(crate) fn ready(&mut self) {
        self.until("every node is ready", |cluster| cluster.cores.iter().flatten().all(Core::is_ready));
    }

    pub(crate) fn send(&mut self, at: usize, line: &str) -> u64 {
        let argv: Vec<Bytes> = line.split(' ').map(|word| Bytes::copy_from_slice(word.as_bytes())).collect();
        let body = proto::commands::parse_request(&argv).expect("a data command").request;
        let request = self.next_request;
        self.next_request += 1;
        let input = Input::Request { connection: ConnectionId(1), request: RequestId(request), body };
        self.inputs.push_back((at, input));
        request
    }

    pub(crate) fn outcome(&mut self, at: usize, line: &str) -> Outcome {
        let request = self.send(at, line);
        self.until(line, |cluster| cluster.answers.contains_key(&(at, request)));
        self.answers.remove(&(at, request)).expect("just seen")
    }

    pub(crate) fn call(&mut self, at: usize, line: &str) -> Reply {
        match self.outcome(at, line) {
            Outcome::Done { reply, .. } => reply,
            Outcome::Failed(failure) => panic!("{line}: {failure:?}"),
        }
    }

    pub(crate) fn fails(&mut self, at: usize, line: &str) -> ErrorKind {
        match self.outcome(at, line) {
            Outcome::Done { reply, .. } => panic!("{line}: {reply:?}"),
            Outcome::Failed(failure) => failure.kind,
        }
    }

    pub(crate) fn token(&mut self, at: usize) -> String {
        let Reply::Bulk(token) = self.call(at, "SESSION TOKEN") else { panic!("a token is text") };
        String::from_utf8(token.to_vec()).expect("a token is text")
    }
}

/// A frame with the messages of which this says that they arrive.
fn without(frame: &Bytes, lost: &mut Lost) -> Bytes {
    let mut frame = Frame::decode(frame).expect("a node made it");
    frame.messages.retain(|message| !lost(message));
    frame.encode(0)
}

/// A frame whose messages this has changed.
fn tampered(frame: &Bytes, to: usize, tampers: &mut Tampers) -> Bytes {
    let mut frame = Frame::decode(frame).expect("a node made it");
    frame.messages.iter_mut().for_each(|message| tampers(to, message));
    frame.encode(0)
}

pub(crate) fn text(text: &str) -> Reply {
    Reply::bulk(Bytes::copy_from_slice(text.as_bytes()))
}
