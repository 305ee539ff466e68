//! Whether this node's disk is fit: how much room there is, and whether the log's sync comes back.
//!
//! *Low*: less is free than the reserve. A leader refuses what would grow the data (`DISKFULL`, an entry of the log as with a full memory, `docs/decisions/0035`), and the node gives leadership away where another replica can take it. *Out*: the next log segment cannot
//! be made. Then nothing goes into the log but votes: no proposals, no entries of other leaders, no tentative writes. What is left of the current segment is for elections. Reads go on in both.
//!
//! *Stalled*: a log batch is under way for longer than a second. A leader whose disk hangs makes its clients wait, so it hands over (the other replicas need not its disk for that), and is not preferred until a while after.
//!
//! Invariant: judged from what the body reports and from the log's books alone. A node whose body reports nothing has room.

use crate::config::Config;
use crate::core::{Core, Purpose};
use crate::duties::Refusal;
use crate::event::Event;
use proto::time::Mono;
use std::time::Duration;
use storage::disk::{DiskError, Lane};
use storage::log::Log;

/// What was low must have so much more, in hundredths of the reserve, before it is not.
const HYSTERESIS_PERCENT: u64 = 125;
/// So long after a stall the disk counts as sound again.
const CONVALESCENCE: Duration = Duration::from_secs(3);

/// So long after the newest batch of the log an empty one follows: with nothing behind it, damage to it would look like a torn write.
const CAP_AFTER: Duration = Duration::from_millis(200);

/// What is known of the disk.
#[derive(Debug, Default)]
pub struct Fitness {
    free_bytes: Option<u64>,
    is_low: bool,
    is_out: bool,
    /// When the newest batch was sealed.
    sealed: Option<Mono>,
    /// The same, while it is under way.
    syncing_since: Option<Mono>,
    is_stalled: bool,
    stalled_until: Option<Mono>,
}

impl Fitness {
    /// What the body says is free on the folder's file system.
    pub fn report(&mut self, free_bytes: u64) {
        self.free_bytes = Some(free_bytes);
    }

    /// What was free when the body said so last.
    pub fn free_bytes(&self) -> Option<u64> {
        self.free_bytes
    }

    /// A log batch is on its way to the disk.
    pub fn sync_begins(&mut self, now: Mono) {
        (self.syncing_since, self.sealed) = (Some(now), Some(now));
    }

    /// It is durable.
    pub fn sync_ends(&mut self) {
        self.syncing_since = None;
    }

    /// Whether what would grow the data is refused.
    pub fn is_low(&self) -> bool {
        self.is_low
    }

    /// Whether nothing goes into the log any more but votes.
    pub fn is_out(&self) -> bool {
        self.is_out
    }

    /// Whether the log's sync hangs, or did a moment ago.
    pub fn is_stalled(&self) -> bool {
        self.stalled_until.is_some()
    }

    /// Whether this node should lead.
    pub fn may_lead(&self) -> bool {
        !self.is_low && !self.is_stalled()
    }

    /// Whether a file of so many bytes can be written and the next log segment still be made.
    pub fn has_room_for(&self, bytes: u64, config: &Config) -> bool {
        self.free_bytes.is_none_or(|free| free >= bytes.saturating_add(segment_with_margin(config)))
    }

    /// Looks once a tick. Answers what is news.
    fn look(&mut self, now: Mono, log: &Log, config: &Config) -> Vec<Event> {
        let mut news = Vec::new();
        if let Some(free) = self.free_bytes {
            let reserve = config.disk_reserve_bytes;
            let needed = if self.is_low { reserve / 100 * HYSTERESIS_PERCENT } else { reserve };
            let (was_low, was_out) = (self.is_low, self.is_out);
            self.is_low = free < needed;
            self.is_out = !log.has_spare() && free < segment_with_margin(config);
            if (was_low, was_out) != (self.is_low, self.is_out) {
                news.push(Event::DiskSpace { low: self.is_low, out: self.is_out, free_bytes: free });
            }
        }
        let is_stalled = self.syncing_since.is_some_and(|since| now - since >= config.stall);
        if is_stalled != self.is_stalled {
            self.is_stalled = is_stalled;
            news.push(Event::DiskStalled { stalled: is_stalled });
        }
        if is_stalled {
            self.stalled_until = Some(now + CONVALESCENCE);
        } else if self.stalled_until.is_some_and(|until| now >= until) {
            self.stalled_until = None;
        }
        news
    }
}

/// What the next log segment takes, and a quarter more: others may write on the same file system.
fn segment_with_margin(config: &Config) -> u64 {
    let segment = config.segment_sizes.largest_bytes;
    segment + segment / 4
}

/// Why this node refuses what would grow the data, if it does.
pub fn growth_refusal(memory_full: bool, fitness: &Fitness) -> Option<Refusal> {
    match (memory_full, fitness.is_low()) {
        (true, _) => Some(Refusal::ForMemory),
        (false, true) => Some(Refusal::ForDisk),
        (false, false) => None,
    }
}

impl Core {
    /// Looks at the disk, once a tick.
    pub(crate) fn look_at_the_disk(&mut self) {
        let could_lead = self.fitness.may_lead();
        let news = self.fitness.look(self.now.mono, &self.log, &self.config);
        self.events.extend(news);
        self.log.set_may_prepare(self.fitness.has_room_for(0, &self.config));
        let is_quiet = self.fitness.sealed.is_none_or(|sealed| self.now.mono - sealed >= CAP_AFTER);
        if is_quiet && !self.fitness.is_out() && self.log.wants_cap() {
            self.log.cap();
        }
        self.announce_soon |= could_lead != self.fitness.may_lead();
    }

    /// A job found no space that is not a log batch: what it was for waits until there is some.
    pub(crate) fn space_ran_out(&mut self, purpose: &Purpose, error: &DiskError) {
        // Whatever was reported before: nothing more is begun until the body has looked again.
        self.fitness.report(0);
        self.events.push(Event::SpaceRanOut { place: error.place.clone() });
        let ops = match purpose {
            Purpose::LogMaintenance => {
                self.log.maintenance_done(false);
                self.log.remove_unprepared()
            }
            Purpose::OwnSnapshot => self.snapshots.abandon(),
            Purpose::ReceivedSnapshot(group) => self.transfers.abandon_writing(*group),
            Purpose::Housekeeping | Purpose::Batch { .. } => Vec::new(),
        };
        if !ops.is_empty() {
            self.job(Lane::Bulk, ops, Purpose::Housekeeping);
        }
    }
}

/// What a node says when it ends itself because of its disk.
pub fn last_words(error: &DiskError) -> String {
    let what = match error {
        DiskError { full: true, .. } => "the disk is full and the log could not be written",
        DiskError { sync: true, .. } => "the disk failed to sync",
        _ => "the disk failed",
    };
    let advice = if error.full {
        "make space on the file system of the data folder and start the node again"
    } else {
        "check the disk (its cables, `dmesg`, SMART) and start the node again; it looks then at what is whole. Nothing is retried, because what a failed sync leaves behind is unknown"
    };
    format!("{what}: {error}. The node stops, because it cannot know what is durable; {advice}")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn error(full: bool, sync: bool) -> DiskError {
        DiskError {
            place: "log-0-00000000000000000007.seg".into(),
            message: "Input/output error (os error 5)".into(),
            full,
            sync,
        }
    }

    #[test]
    fn the_last_words_name_the_file_and_the_reason_and_say_what_to_do() {
        let words = last_words(&error(false, true));
        assert!(
            words.contains("failed to sync: log-0-00000000000000000007.seg: Input/output error (os error 5)")
        );
        assert!(words.contains("check the disk") && words.contains("Nothing is retried"), "{words}");
        let words = last_words(&error(true, false));
        assert!(words.contains("make space") && !words.contains("SMART"), "{words}");
    }
}
