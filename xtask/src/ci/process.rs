//! Runs one command of the gate: its output goes on to ours line by line, is shown to a reader, and it must end in time.
//!
//! Caveat: at the limit only the command itself is told to end (SIGTERM, ten seconds later SIGKILL). The programs that
//! the gate starts end their own children then; a process that leaves its parent stays, and is the test's bug.

use std::io::{BufRead, BufReader, Read, Write};
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

/// Between the polite and the rude signal.
const GRACE: Duration = Duration::from_secs(10);
/// How often a quiet command is looked at.
const POLL: Duration = Duration::from_millis(200);
/// After a command has ended, how long what it left running may hold its output open.
const LEFTOVER: Duration = Duration::from_secs(5);
/// Lines in flight between a command and our output.
const LINES: usize = 1024;

/// Runs `words` in `folder` and shows `read` every line. An error says how it failed.
pub(super) fn run(
    words: &[String],
    environment: &[(String, String)],
    folder: &Path,
    limit: Duration,
    mut read: impl FnMut(&str),
) -> Result<()> {
    let Some((program, arguments)) = words.split_first() else { bail!("an empty command") };
    let mut child = Command::new(program)
        .args(arguments)
        .envs(environment.iter().map(|(name, value)| (name, value)))
        .current_dir(folder)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .with_context(|| format!("`{program}` does not start"))?;
    let (sender, lines) = sync_channel(LINES);
    forward(child.stdout.take(), sender.clone());
    forward(child.stderr.take(), sender);
    let status = wait(&mut child, &lines, limit, |line| {
        read(line);
        // A closed pipe behind us is no reason to stop the gate.
        let _ = writeln!(std::io::stdout(), "{line}");
    })?;
    match status {
        Some(status) if status.success() => Ok(()),
        Some(status) => bail!("`{program}` ended with {status}"),
        None => bail!("`{program}` was ended after {} minutes", limit.as_secs() / 60),
    }
}

/// Sends each line of a stream, on a thread of its own, so that neither stream can block the other.
fn forward(stream: Option<impl Read + Send + 'static>, sender: SyncSender<String>) {
    let Some(stream) = stream else { return };
    std::thread::spawn(move || {
        let mut reader = BufReader::new(stream);
        let mut bytes = Vec::new();
        while reader.read_until(b'\n', &mut bytes).is_ok_and(|length| length > 0) {
            let line = String::from_utf8_lossy(&bytes).trim_end().to_owned();
            if sender.send(line).is_err() {
                return;
            }
            bytes.clear();
        }
    });
}

/// Shows lines until the command has ended and its output is drained. `None` when it had to be ended.
fn wait(
    child: &mut Child,
    lines: &Receiver<String>,
    limit: Duration,
    mut show: impl FnMut(&str),
) -> Result<Option<ExitStatus>> {
    let begin = Instant::now();
    let mut told_to_end = None;
    let mut ended: Option<(ExitStatus, Instant)> = None;
    loop {
        match lines.recv_timeout(POLL) {
            Ok(line) => show(&line),
            Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => {
                let status = child.wait()?;
                return Ok(told_to_end.is_none().then_some(status));
            }
        }
        if ended.is_none() {
            ended = child.try_wait()?.map(|status| (status, Instant::now()));
        }
        if let Some((status, since)) = ended
            && since.elapsed() > LEFTOVER
        {
            return Ok(told_to_end.is_none().then_some(status));
        }
        match told_to_end {
            None if ended.is_none() && begin.elapsed() > limit => {
                signal("-TERM", child.id());
                told_to_end = Some(Instant::now());
            }
            Some(since) if ended.is_none() && since.elapsed() > GRACE => child.kill()?,
            _ => {}
        }
    }
}

/// The standard library sends SIGKILL only; this program sends the rest without unsafe code.
fn signal(name: &str, process: u32) {
    let _ = Command::new("kill").arg(name).arg(process.to_string()).status();
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shell(script: &str, limit: Duration) -> (Result<()>, Vec<String>) {
        let mut seen = Vec::new();
        let words = ["sh", "-c", script].map(str::to_owned);
        let outcome = run(&words, &[("A".into(), "b".into())], Path::new("."), limit, |line| {
            seen.push(line.to_owned())
        });
        (outcome, seen)
    }

    #[test]
    fn lines_of_both_streams_and_the_exit_code_arrive() {
        let (outcome, mut seen) = shell("echo one $A; echo two >&2; exit 3", Duration::from_secs(60));
        seen.sort();
        assert_eq!(seen, ["one b", "two"]);
        assert!(outcome.unwrap_err().to_string().contains("exit status: 3"));
        assert!(shell("true", Duration::from_secs(60)).0.is_ok());
    }

    #[test]
    fn a_command_that_hangs_is_ended() {
        let begin = Instant::now();
        let (outcome, _) = shell("exec sleep 60", Duration::from_millis(300));
        assert!(outcome.unwrap_err().to_string().contains("was ended"));
        assert!(begin.elapsed() < Duration::from_secs(30));
    }
}
