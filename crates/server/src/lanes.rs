//! The two threads that wait for the disk so that the loop never does.
//!
//! Jobs of a lane run one after the other in the order in which they were handed over; the lanes do not wait for each other. A finished job's result goes back over a
//! channel, and the waker ends the loop's sleep. How many jobs wait is bounded by the core, which has at most a few under way.

use crate::disk::{FolderDisk, free_bytes};
use mio::Waker;
use observe::metrics::Metrics;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};
use storage::disk::{DiskJob, DiskOp, JobId, JobResult, Lane};

/// So often somebody looks how much space is left.
const BETWEEN_LOOKS: Duration = Duration::from_millis(250);
/// Stands for: it cannot be told.
const UNKNOWN_BYTES: u64 = u64::MAX;

/// Both lanes of one data folder.
#[derive(Debug)]
pub(crate) struct Lanes {
    log: Option<Sender<DiskJob>>,
    bulk: Option<Sender<DiskJob>>,
    done: Receiver<(JobId, JobResult)>,
    /// What was free on the folder's file system when somebody looked last; nothing if that cannot be told.
    free_bytes: Arc<AtomicU64>,
    threads: Vec<JoinHandle<()>>,
}

impl Lanes {
    /// Starts both threads.
    #[allow(clippy::disallowed_methods)] // the core bounds its jobs; bounded channels both ways could lock loop and thread up
    pub(crate) fn start(folder: &Path, waker: &Arc<Waker>, metrics: &Arc<Metrics>) -> io::Result<Lanes> {
        let (finished, done) = channel();
        let free_bytes = Arc::new(AtomicU64::new(UNKNOWN_BYTES));
        let mut threads = Vec::new();
        let mut lane = |name: &str, counted: bool| -> io::Result<Sender<DiskJob>> {
            let (jobs, waiting) = channel();
            let worker = Worker {
                disk: FolderDisk::new(folder),
                finished: finished.clone(),
                waker: waker.clone(),
                metrics: counted.then(|| metrics.clone()),
                // The lane that nobody waits for looks: asking a file system may take as long as writing to it.
                looks: (!counted).then(|| (folder.to_owned(), free_bytes.clone())),
            };
            threads.push(std::thread::Builder::new().name(name.into()).spawn(move || worker.work(&waiting))?);
            Ok(jobs)
        };
        let log = Some(lane("quartet-log", true)?);
        let bulk = Some(lane("quartet-bulk", false)?);
        Ok(Lanes { log, bulk, done, free_bytes, threads })
    }

    /// Hands a job to its lane.
    pub(crate) fn submit(&self, job: DiskJob) {
        let lane = match job.lane {
            Lane::Log => &self.log,
            Lane::Bulk => &self.bulk,
        };
        // A lane that is gone has panicked: its thread's message is on stderr, and nothing that it was handed is durable.
        lane.as_ref()
            .expect("no job after the end")
            .send(job)
            .expect("the disk thread of this lane has died");
    }

    /// What is free on the folder's file system, as far as it is known.
    pub(crate) fn free_bytes(&self) -> Option<u64> {
        Some(self.free_bytes.load(Ordering::Relaxed)).filter(|bytes| *bytes != UNKNOWN_BYTES)
    }

    /// A finished job, if there is one.
    pub(crate) fn finished(&self) -> Option<(JobId, JobResult)> {
        self.done.try_recv().ok()
    }

    /// Lets both threads finish what they have, and waits for them.
    pub(crate) fn stop(mut self) {
        self.log = None;
        self.bulk = None;
        for thread in self.threads.drain(..) {
            let _ = thread.join(); // it has said why on stderr
        }
    }
}

struct Worker {
    disk: FolderDisk,
    finished: Sender<(JobId, JobResult)>,
    waker: Arc<Waker>,
    metrics: Option<Arc<Metrics>>,
    /// The folder whose file system it looks at from time to time, and where it says what it saw.
    looks: Option<(PathBuf, Arc<AtomicU64>)>,
}

impl Worker {
    fn work(mut self, waiting: &Receiver<DiskJob>) {
        loop {
            self.look();
            let job = match waiting.recv_timeout(BETWEEN_LOOKS) {
                Ok(job) => job,
                Err(RecvTimeoutError::Timeout) => continue,
                Err(RecvTimeoutError::Disconnected) => return,
            };
            let started = Instant::now();
            let result = storage::disk::run(&mut self.disk, &job.ops);
            if let Some(metrics) = &self.metrics
                && job.ops.iter().any(|op| matches!(op, DiskOp::Sync { .. }))
            {
                let written =
                    job.ops.iter().map(|op| if let DiskOp::Write { data, .. } = op { data.len() } else { 0 });
                metrics.log_synced(started.elapsed(), written.sum());
            }
            if self.finished.send((job.id, result)).is_err() || self.waker.wake().is_err() {
                return; // the loop is gone
            }
        }
    }

    fn look(&self) {
        if let Some((folder, free)) = &self.looks {
            free.store(free_bytes(folder).unwrap_or(UNKNOWN_BYTES), Ordering::Relaxed);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use bytes::Bytes;

    #[test]
    fn jobs_of_a_lane_are_answered_in_order() {
        let folder = tempfile::tempdir().expect("a folder");
        let poll = mio::Poll::new().expect("a poll");
        let waker = Arc::new(Waker::new(poll.registry(), mio::Token(0)).expect("a waker"));
        let lanes = Lanes::start(folder.path(), &waker, &Arc::new(Metrics::new())).expect("two threads");
        let write = |id: u64| DiskJob {
            id: JobId(id),
            lane: Lane::Log,
            ops: vec![
                DiskOp::Create { file: format!("f{id}") },
                DiskOp::Write { file: format!("f{id}"), offset: 0, data: Bytes::from_static(b"abc") },
                DiskOp::Sync { file: format!("f{id}") },
                DiskOp::Read { file: format!("f{id}"), offset: 1, len_bytes: 9 },
            ],
        };
        (1..=3).for_each(|id| lanes.submit(write(id)));
        lanes.submit(DiskJob {
            id: JobId(4),
            lane: Lane::Log,
            ops: vec![DiskOp::Sync { file: "missing".into() }],
        });
        for id in 1..=4 {
            let (job, result) = lanes.done.recv().expect("an answer");
            assert_eq!(job, JobId(id));
            assert_eq!(result.is_ok(), id < 4);
            if let Ok(reads) = result {
                assert_eq!(reads, [Bytes::from_static(b"bc")]);
            }
        }
        lanes.stop();
    }
}
