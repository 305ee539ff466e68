//! What the front knows of one client connection: its session, what it has under way, and what waits behind that.
//!
//! Program order is the order of replies, and commands to one shard keep the order in which they came (`docs/consistency.md`, sessions, rule 7). Most of them need not wait for each other to keep it: writes are numbered,
//! and a linearizable read names the write that it must see. Three kinds wait: a write for the earlier reads of its shard; a read below linearizable (an *ordered* one) for everything earlier at its shard, because
//! where it stands in the cluster's order is only known to follow theirs when they are answered; and any read for an earlier ordered one, which may be answered long after it.
//!
//! Invariant: what waits leaves in the order in which it came.

use crate::plan::{Gather, Operation};
use proto::command::Request;
use proto::ids::{GroupId, RequestId};
use proto::session::Session;
use proto::time::Mono;
use std::collections::VecDeque;

/// A request that waits, with its deadline.
pub type Waiting = (RequestId, Request, Mono);

/// How a request's answers are put together, and its operations.
pub type Planned = (Gather, Vec<(GroupId, Operation)>);

/// One client connection.
#[derive(Debug, Default)]
pub struct Connection {
    /// What it has written and seen, as far as it has been told.
    pub session: Session,
    /// Requests that have not begun.
    pub waiting: VecDeque<Waiting>,
    /// What the first of them was split into when it was found that it has to wait.
    pub planned: Option<Planned>,
    busy: Vec<Busy>,
}

/// What a connection has under way at one group.
#[derive(Debug)]
struct Busy {
    group: GroupId,
    reads: usize,
    /// Of the reads, those that may be answered below linearizable.
    ordered: usize,
    writes: usize,
    last_write: u64,
}

impl Connection {
    /// Whether it has nothing under way, nothing that waits, and nothing to remember.
    pub fn is_forgettable(&self) -> bool {
        self.is_quiet() && self.waiting.is_empty() && self.session.is_empty()
    }

    /// Whether nothing is under way.
    pub fn is_quiet(&self) -> bool {
        self.busy.is_empty()
    }

    /// Whether these operations may begin beside what is under way. `is_ordered`: they are reads that may be answered below linearizable.
    pub fn may_begin(&self, operations: &[(GroupId, Operation)], is_ordered: bool) -> bool {
        operations.iter().all(|(group, operation)| {
            let Some(busy) = self.busy.iter().find(|busy| busy.group == *group) else { return true };
            match operation {
                Operation::Write(_) => busy.reads == 0,
                Operation::Read(_) => !is_ordered && busy.ordered == 0,
            }
        })
    }

    /// A write begins. Its number in the group's stream is told by `wrote`.
    pub fn begin_write(&mut self, group: GroupId) {
        self.busy_at(group).writes += 1;
    }

    /// The number of the write that has just begun.
    pub fn wrote(&mut self, group: GroupId, number: u64) {
        self.busy_at(group).last_write = number;
    }

    /// A read begins; answers the number of the write that it must see, 0 for none.
    pub fn begin_read(&mut self, group: GroupId, is_ordered: bool) -> u64 {
        let busy = self.busy_at(group);
        busy.reads += 1;
        busy.ordered += usize::from(is_ordered);
        if busy.writes > 0 { busy.last_write } else { 0 }
    }

    /// A read of this group ended.
    pub fn end_read(&mut self, group: GroupId, is_ordered: bool) {
        self.end(group, |busy| {
            busy.reads -= 1;
            busy.ordered -= usize::from(is_ordered);
        });
    }

    /// A write to this group ended.
    pub fn end_write(&mut self, group: GroupId) {
        self.end(group, |busy| busy.writes -= 1);
    }

    fn end(&mut self, group: GroupId, count_down: impl FnOnce(&mut Busy)) {
        if let Some(busy) = self.busy.iter_mut().find(|busy| busy.group == group) {
            count_down(busy);
        }
        self.busy.retain(|busy| busy.reads > 0 || busy.writes > 0);
    }

    fn busy_at(&mut self, group: GroupId) -> &mut Busy {
        let at = match self.busy.iter().position(|busy| busy.group == group) {
            Some(at) => at,
            None => {
                self.busy.push(Busy { group, reads: 0, ordered: 0, writes: 0, last_write: 0 });
                self.busy.len() - 1
            }
        };
        &mut self.busy[at]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use bytes::Bytes;
    use proto::ops::{Read, StringRead, StringWrite, Write};

    const HERE: GroupId = GroupId(1);

    fn read() -> [(GroupId, Operation); 1] {
        [(HERE, Operation::Read(Read::String(StringRead::Get { key: Bytes::new() })))]
    }

    fn write() -> [(GroupId, Operation); 1] {
        [(HERE, Operation::Write(Write::String(StringWrite::GetDel { key: Bytes::new() })))]
    }

    /// Whether a linearizable read, an ordered read and a write may begin.
    fn may_begin(connection: &Connection) -> [bool; 3] {
        [
            connection.may_begin(&read(), false),
            connection.may_begin(&read(), true),
            connection.may_begin(&write(), false),
        ]
    }

    #[test]
    fn what_could_overtake_waits_and_nothing_else() {
        let mut connection = Connection::default();
        assert_eq!(may_begin(&connection), [true, true, true]);
        connection.begin_write(HERE);
        assert_eq!(may_begin(&connection), [true, false, true], "behind a write");
        connection.end_write(HERE);
        connection.begin_read(HERE, false);
        assert_eq!(may_begin(&connection), [true, false, false], "behind a linearizable read");
        connection.end_read(HERE, false);
        connection.begin_read(HERE, true);
        assert_eq!(may_begin(&connection), [false, false, false], "behind an ordered read");
        connection.end_read(HERE, true);
        connection.begin_read(GroupId(2), true);
        assert_eq!(may_begin(&connection), [true, true, true], "another shard's read is no hindrance");
    }

    #[test]
    fn a_read_names_the_write_that_it_must_see_while_that_is_under_way() {
        let mut connection = Connection::default();
        connection.begin_write(HERE);
        connection.wrote(HERE, 7);
        assert_eq!(connection.begin_read(HERE, false), 7);
        connection.end_write(HERE);
        assert_eq!(connection.begin_read(HERE, false), 0);
    }
}
