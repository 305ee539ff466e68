//! One connection's conversation, without the socket: requests become bytes, bytes become answers.
//!
//! Two protocols, as an enum, since there will not be a third without a reason. Answers carry the id that the request returned. Not here:
//! sockets, clocks, retries.

use crate::{etcd, resp};

/// What came back for one request.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// A write was acknowledged.
    Written,
    /// A read found this value.
    Value(Vec<u8>),
    /// A read found nothing.
    Absent,
    /// The server refused, with its words as far as they could be read.
    Refused(String),
}

/// An answer and the request that it is for.
pub(crate) type Answer = (u64, Outcome);

/// The state of one conversation.
pub(crate) enum Session {
    Resp(resp::Session),
    Etcd(etcd::Session),
}

impl Session {
    /// What is sent before the first request.
    pub(crate) fn greet(&self, output: &mut Vec<u8>) {
        match self {
            Session::Resp(session) => session.greet(output),
            Session::Etcd(_) => etcd::greet(output),
        }
    }

    /// Appends a write and returns its id.
    pub(crate) fn set(&mut self, key: &[u8], value: &[u8], output: &mut Vec<u8>) -> u64 {
        match self {
            Session::Resp(session) => session.set(key, value, output),
            Session::Etcd(session) => session.put(key, value, output),
        }
    }

    /// Appends a read and returns its id.
    pub(crate) fn get(&mut self, key: &[u8], output: &mut Vec<u8>) -> u64 {
        match self {
            Session::Resp(session) => session.get(key, output),
            Session::Etcd(session) => session.range(key, output),
        }
    }

    /// Appends a change of a set and returns its id. etcd has no sets.
    pub(crate) fn toggle(&mut self, set: &[u8], member: &[u8], is_in: bool, output: &mut Vec<u8>) -> u64 {
        match self {
            Session::Resp(session) => session.toggle(set, member, is_in, output),
            Session::Etcd(_) => panic!("etcd has no sets"),
        }
    }

    /// Reads what is complete in `input`, appends what must be said back to `output`, and returns how many bytes were used up.
    ///
    /// # Errors
    /// The words of a broken conversation; the connection is of no use any more.
    pub(crate) fn read(
        &mut self,
        input: &[u8],
        output: &mut Vec<u8>,
        answers: &mut Vec<Answer>,
    ) -> Result<usize, String> {
        match self {
            Session::Resp(session) => session.read(input, answers),
            Session::Etcd(session) => session.read(input, output, answers),
        }
    }
}
