//! The next log batch: what goes into it, who waits for it, and the job that makes it durable.
//!
//! All groups and the outbox's journal share it. When it may be sealed is `batching`'s; what becomes durable with it goes on in `Core::disk_done`.
//!
//! Invariant: one batch is in flight at most (the log sees to that), and what is queued meanwhile is the next one.

use crate::core::{Core, Purpose};
use crate::group::Group;
use proto::ids::GroupId;
use storage::disk::Lane;

impl Core {
    /// How many wait for the next batch: groups, and writes that this node has taken as their origin.
    pub(crate) fn waiters(&self) -> usize {
        self.awaited.len() + self.tentative.unsealed_answers()
    }

    /// Everything queued becomes one batch, unless one is in flight or this one waits for company.
    pub(crate) fn seal(&mut self) {
        if self.log.has_queued() {
            self.batching.queued(self.now.mono);
        }
        let waiters = self.waiters();
        if !self.batching.may_seal(self.now.mono, waiters) {
            return;
        }
        let before = self.log.statistics().bytes;
        let Some((number, ops)) = self.log.seal() else { return };
        let works: Vec<(GroupId, u64)> = std::mem::take(&mut self.unsealed)
            .into_iter()
            .filter_map(|id| self.groups.get(&id).and_then(Group::newest_in_log).map(|work| (id, work)))
            .collect();
        self.awaited.clear();
        self.fitness.sync_begins(self.now.mono);
        self.batching.sealed(self.now.mono, waiters);
        let (retire, journal) = (self.snapshots.take_retiring(), self.tentative.seal());
        let born = std::mem::take(&mut self.newborn);
        let bytes = self.log.statistics().bytes - before;
        self.job(Lane::Log, ops, Purpose::Batch { number, bytes, works, journal, born, retire });
    }
}
