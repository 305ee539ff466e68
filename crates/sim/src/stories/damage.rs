//! What happens to processes, disks and clocks.
//!
//! A crash says what it leaves. `kill`: the process ends, the machine's cache saves what it wrote. `power`: whatever was not synced is gone. `torn`: of what was not synced every other sector is there, beginning with the first: a log batch under way has its
//! beginning and not its end.
//!
//! Invariant: nothing here is drawn.

use super::cluster::{Cluster, DISK_JOB_NS};
use super::words;
use crate::hurt_disk;
use crate::schedule::MILLISECOND;
use crate::sim_disk::SimDisk;
use node::io::Input;
use storage::disk::{Disk, DiskOp};

impl Cluster {
    /// `crash 2 power`
    pub(super) fn crash(&mut self, node: usize, how: &str) -> Result<(), String> {
        let machine = &mut self.machines[node];
        let process = machine.process.as_ref().ok_or_else(|| format!("node {} does not run", node + 1))?;
        for job in process.lanes.iter().filter_map(|lane| lane.front()) {
            // Of what is under way a killed process leaves all that it had asked for, a machine without power no sync.
            let whole =
                |op: &&DiskOp| how == "kill" || matches!(op, DiskOp::Write { .. } | DiskOp::Create { .. });
            let ops: Vec<DiskOp> = job.ops.iter().filter(whole).cloned().collect();
            let _ = storage::disk::run(&mut machine.disk, &ops);
        }
        let mut sector = 0;
        match how {
            "kill" => {}
            "power" => machine.disk.crash_with(&mut || false),
            "torn" => machine.disk.crash_with(&mut || {
                sector += 1;
                sector % 2 == 1
            }),
            _ => return Err(format!("a crash is power, kill or torn, not '{how}'")),
        }
        self.end_process(node, how != "kill");
        Ok(())
    }

    /// The process on a machine is gone; its peers notice at once, or after a while.
    pub(super) fn end_process(&mut self, node: usize, slowly: bool) {
        self.machines[node].process = None;
        self.machines[node].paused_until = self.schedule.now();
        self.said[node].stops_before_answer_ns = None;
        self.said[node].looked_before_pause = None;
        self.connections_end(node);
        self.update_links(slowly);
    }

    /// `stop 2`: in good order.
    pub(super) fn stop(&mut self, node: usize) {
        self.enqueue(node, Input::Stop);
    }

    /// `pause 2 300ms`, at once; with `before answering`, when the next answer is decided and not yet said; with `after looking`, at once, with what comes meanwhile taken for something of the moment at which the clock was looked at.
    pub(super) fn pause(&mut self, node: usize, words: &[String]) -> Result<(), String> {
        let span_ns = words::span_ns(words.first().ok_or("for how long?")?)?;
        match &words[1..] {
            [] => self.machines[node].paused_until = self.schedule.now().after(span_ns),
            [before, answering] if before == "before" && answering == "answering" => {
                self.said[node].stops_before_answer_ns = Some(span_ns);
            }
            [after, looking] if after == "after" && looking == "looking" => {
                if self.machines[node].process.is_none() {
                    return Err("nobody looks at a clock there".to_owned());
                }
                let now = self.schedule.now();
                self.said[node].looked_before_pause = Some(self.machines[node].clocks.now(now));
                self.machines[node].paused_until = now.after(span_ns);
            }
            other => return Err(format!("a pause is not '{}'", other.join(" "))),
        }
        Ok(())
    }

    /// `disk 2 slow 300ms`, `disk 2 fails`, `disk 2 usual`, `disk 2 flip log`, `disk 2 lose`: everything but the small files that say which node this is
    pub(super) fn disk(&mut self, node: usize, words: &[String]) -> Result<(), String> {
        let (machine, said) = (&mut self.machines[node], &mut self.said[node]);
        match words.iter().map(String::as_str).collect::<Vec<_>>()[..] {
            ["slow", span] => said.disk_job_ns = words::span_ns(span)?,
            ["fails"] => said.sync_fails = true,
            ["usual"] => (said.disk_job_ns, said.sync_fails) = (DISK_JOB_NS, false),
            ["flip", what] => flip(&mut machine.disk, what)?,
            ["lose"] => hurt_disk::lose(&mut machine.disk).map_err(|error| error.to_string())?,
            _ => return Err(format!("a disk cannot '{}'", words.join(" "))),
        }
        Ok(())
    }

    /// `rebuild 2`: what `quartet rebuild` does to the folder of a node that does not run.
    pub(super) fn rebuild(&mut self, node: usize) -> Result<(), String> {
        let machine = &mut self.machines[node];
        if machine.process.is_some() {
            return Err(format!("node {} runs", node + 1));
        }
        hurt_disk::empty(&mut machine.disk, 7_000 + node as u64, false)
    }

    /// `clock 2 back 700ms`, `clock 2 ahead 300ms`; `clock 2 fast 50` and `slow 50`, in parts per thousand, of the process that starts next.
    pub(super) fn clock(&mut self, node: usize, words: &[String]) -> Result<(), String> {
        let [how, much] = words else { return Err("a clock goes back, ahead, fast or slow".to_owned()) };
        let by_ms = || words::span_ns(much).map(|ns| (ns / MILLISECOND) as i64);
        let per_mille = || much.parse::<i64>().map_err(|_| format!("'{much}' is no number"));
        match how.as_str() {
            "back" => self.machines[node].clocks.jump_wall(-by_ms()?),
            "ahead" => self.machines[node].clocks.jump_wall(by_ms()?),
            "fast" => self.said[node].drift_ppm = 1_000 * per_mille()?,
            "slow" => self.said[node].drift_ppm = -1_000 * per_mille()?,
            _ => return Err(format!("a clock does not go '{how}'")),
        }
        Ok(())
    }
}

/// Flips a bit in the middle of what the first file of this kind holds, durably.
fn flip(disk: &mut SimDisk, what: &str) -> Result<(), String> {
    let names = disk.list().map_err(|error| error.to_string())?;
    let name = names.iter().find(|name| name.starts_with(what));
    let name = name.ok_or_else(|| format!("there is no file '{what}…' among {}", names.join(", ")))?;
    let content = disk.read(name, 0, u64::MAX).map_err(|error| error.to_string())?;
    let used = content.iter().rposition(|byte| *byte != 0).ok_or("the file is empty")?;
    let at = (used / 2..).find(|at| content[*at] != 0).ok_or("the file is empty")?;
    disk.write(name, at as u64, &[content[at] ^ 1]).map_err(|error| error.to_string())?;
    disk.sync(name).map_err(|error| error.to_string())
}
