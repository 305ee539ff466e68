//! Every replica applies the same entries in the same places (`checker::LogAgreement`), and each numbered write takes effect once (`checker::ExactlyOnce`).
//!
//! Fed with every entry that a core applied since the last look. A write has up to two numbers: its place in its front's stream, and the one that its
//! client gave it; both are judged.

use crate::verdict::Failure;
use checker::{Application, ExactlyOnce, LogAgreement, LogObservation};
use node::report::AppliedEntry;
use proto::ids::{GroupId, LogIndex};
use proto::log_entry::LogEntry;
use xxhash_rust::xxh3::{xxh3_64, xxh3_64_with_seed};

/// Both judges and their feed.
#[derive(Default)]
pub(super) struct Entries {
    agreement: LogAgreement,
    by_stream: ExactlyOnce,
    by_client: ExactlyOnce,
}

impl Entries {
    /// A replica has a state that it did not make by applying: after a start, or from a snapshot.
    pub(super) fn restored(&mut self, node: usize, group: GroupId, applied: LogIndex) {
        let (group, replica) = (u64::from(group.0), node as u64 + 1);
        self.by_stream.restored(group, replica, applied.0);
        self.by_client.restored(group, replica, applied.0);
    }

    pub(super) fn applied(&mut self, node: usize, entry: AppliedEntry) -> Result<(), Failure> {
        let (group, replica) = (u64::from(entry.group.0), node as u64 + 1);
        let Some(data) = entry.data else {
            self.restored(node, entry.group, entry.index);
            return Ok(());
        };
        let observation = LogObservation {
            replica,
            group,
            index: entry.index.0,
            term: entry.term.0,
            digest: xxh3_64(&data),
        };
        self.agreement
            .observe(observation)
            .map_err(|broken| Failure::safety("logs agree", broken.to_string()))?;
        if !entry.fresh {
            return Ok(());
        }
        let Ok(LogEntry::Write { position, client, .. }) = postcard::from_bytes::<LogEntry>(&data) else {
            return Ok(());
        };
        let application = |stream: u64, number: u64| Application {
            group,
            replica,
            stream,
            number,
            log_index: entry.index.0,
        };
        let stream = position.front.0 << 32 | position.incarnation.0;
        let mut judged = self.by_stream.applied(application(stream, position.number));
        if let Some(client) = client {
            let stream = xxh3_64_with_seed(&client.client, 1);
            judged = judged.and(self.by_client.applied(application(stream, client.number)));
        }
        judged.map_err(|broken| Failure::safety("a numbered write takes effect once", broken.to_string()))
    }

    pub(super) fn places(&self) -> u64 {
        self.agreement.places() as u64
    }

    pub(super) fn numbered(&self) -> u64 {
        (self.by_stream.operations() + self.by_client.operations()) as u64
    }
}
