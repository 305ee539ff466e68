//! Before there is a cluster: the loop that drives the founding round, and the two small files that it keeps.
//!
//! `founder` holds the id that this folder was given; `founding` the one set that it confirmed (`directory::founding` decides, this file makes it durable and
//! carries the messages). Redis clients that connect meanwhile hear `-LOADING`; HTTP answers 503.

use crate::body::{Body, LINKS, RESP, SIGNALS};
use crate::config::Config;
use crate::disk::FolderDisk;
use crate::links::LinkEvent;
use crate::refusal::Refusal;
use directory::Address;
use directory::founding::{Drawn, Founder, Founding, FoundingSet, Input, Output, StoredFounding, Wanted};
use mio::{Interest, Token};
use proto::ids::ClusterId;
use proto::time::Mono;
use std::io::Write;
use std::time::Duration;
use storage::disk::{Disk, DiskError};

/// The file with this folder's founder id.
const FOUNDER_FILE: &str = "founder";
/// The file with the set that this node confirmed.
const FOUNDING_FILE: &str = "founding";
const TICK: Duration = Duration::from_millis(100);

/// How the round ended.
pub(crate) enum Ended {
    /// The cluster exists. The machine goes on answering latecomers.
    Founded(FoundingSet, Box<Founding>),
    /// A signal asked the node to stop.
    Stopped,
}

fn unreadable(file: &str, why: impl std::fmt::Display) -> Refusal {
    Refusal::new(format!("the file `{file}` in the data folder cannot be used: {why}"))
}

/// Replaces a small file, durably, as a whole.
fn replace(disk: &mut FolderDisk, file: &str, bytes: &[u8]) -> Result<(), DiskError> {
    let temporary = format!("{file}.tmp");
    disk.create(&temporary, 0)?;
    disk.write(&temporary, 0, bytes)?;
    disk.sync(&temporary)?;
    disk.rename(&temporary, file)?;
    disk.sync_folder()
}

fn whole(disk: &mut FolderDisk, file: &str) -> Result<Option<bytes::Bytes>, Refusal> {
    let result = match disk.len_bytes(file) {
        Ok(None) => Ok(None),
        Ok(Some(length)) => disk.read(file, 0, length).map(Some),
        Err(error) => Err(error),
    };
    result.map_err(|error| unreadable(file, error))
}

/// This folder's founder id; drawn and kept at the first start.
pub(crate) fn founder_id(disk: &mut FolderDisk) -> Result<u128, Refusal> {
    if let Some(bytes) = whole(disk, FOUNDER_FILE)? {
        let text = std::str::from_utf8(&bytes).ok().map(str::trim);
        return match text.and_then(|text| u128::from_str_radix(text, 16).ok()) {
            Some(id) if text.is_some_and(|text| text.len() == 32) => Ok(id),
            _ => {
                Err(unreadable(FOUNDER_FILE, "it is damaged; restore the folder, or start with an empty one"))
            }
        };
    }
    let id = u128::from_le_bytes(crate::random::bytes());
    replace(disk, FOUNDER_FILE, format!("{id:032x}\n").as_bytes())
        .map_err(|error| unreadable(FOUNDER_FILE, error))?;
    Ok(id)
}

/// What this node confirmed at an earlier start, if anything.
fn stored(disk: &mut FolderDisk) -> Result<Option<StoredFounding>, Refusal> {
    let Some(bytes) = whole(disk, FOUNDING_FILE)? else { return Ok(None) };
    StoredFounding::decode(&bytes).map(Some).map_err(|error| unreadable(FOUNDING_FILE, error))
}

/// Random bytes for a cluster that this node might propose.
pub(crate) fn drawn() -> Drawn {
    Drawn { cluster: ClusterId(crate::random::bytes()), token_key: crate::random::bytes() }
}

/// This node as its peers and clients reach it.
pub(crate) fn founder(config: &Config, id: u128) -> Founder {
    let at = |port| Address::new(config.advertised_host(), port);
    Founder { id, peer: at(config.peer_port), resp: at(config.resp_port), http: at(config.http_port) }
}

/// Runs until the cluster exists.
pub(crate) fn run(body: &mut Body, config: &Config, disk: &mut FolderDisk) -> Result<Ended, Refusal> {
    let stored = stored(disk)?;
    let expect = match (&stored, config.expected_nodes()) {
        (Some(stored), _) => stored.set.members.len(),
        (None, Some(expect)) => expect,
        (None, None) => {
            return Err(Refusal::new(
                "--join needs --bootstrap-expect with the number of nodes that found the cluster (joining a cluster that exists comes later)",
            ));
        }
    };
    let wanted =
        Wanted { expect, join: config.join.clone(), replicas: config.replicas, shards: config.shards };
    let me = founder(config, founder_id(disk)?);
    let mut founding = Founding::new(me, wanted, drawn(), stored);
    if let Some(listener) = &mut body.resp_listener {
        let registered = body.poll.registry().register(listener, Token(RESP), Interest::READABLE);
        registered.map_err(|error| Refusal::new(format!("the node cannot start: {error}")))?;
    }
    let mut next_tick = Mono::default();
    let mut waiting = "the cluster is not founded yet".to_owned();
    let mut link_events = Vec::new();
    loop {
        let now = body.clock.mono();
        if now >= next_tick {
            next_tick = now + TICK;
            founding.step(now, Input::Tick);
        }
        while let Some(output) = founding.drain() {
            match output {
                Output::Send { to, message } => body.links.send_founding(&to, &message, now),
                Output::Store(set) => {
                    replace(disk, FOUNDING_FILE, &set.encode())
                        .map_err(|error| unreadable(FOUNDING_FILE, error))?;
                    founding.step(now, Input::Stored);
                }
                Output::Founded(set) => {
                    if let Some(listener) = &mut body.resp_listener {
                        let _ = body.poll.registry().deregister(listener); // the front registers it anew
                    }
                    return Ok(Ended::Founded(set, Box::new(founding)));
                }
                Output::Waiting(sentence) => {
                    tracing::info!("{sentence}");
                    waiting = sentence;
                }
                Output::Refused(sentence) => return Err(Refusal::new(sentence)),
            }
        }
        body.links.flush(now);
        let rest = if body.links.wants_a_turn() {
            Duration::ZERO
        } else {
            next_tick.min(body.links.deadline(now)) - now
        };
        body.wait(rest)?;
        let now = body.clock.mono();
        for event in &body.events {
            let Token(token) = event.token();
            if (LINKS..RESP).contains(&token) {
                body.links.ready(token, event.into());
            } else if token == SIGNALS && body.signals.take() > 0 {
                return Ok(Ended::Stopped);
            }
        }
        // The ports that stand for a level have no events yet: whoever comes to one waits for the next turn.
        let doors =
            body.resp_listener.iter().chain(body.level_listeners.iter().map(|(_, listener)| listener));
        for door in doors {
            while let Ok((mut stream, _)) = door.accept() {
                let _ = stream.write(format!("-LOADING {waiting}\r\n").as_bytes());
            }
        }
        body.calls.turn_without_core(&waiting);
        body.links.turn(body.poll.registry(), now, &mut body.scratch, &mut link_events);
        for event in link_events.drain(..) {
            match event {
                LinkEvent::Founding(message) => founding.step(now, Input::Message(*message)),
                LinkEvent::Outdated(sentence) => return Err(Refusal::new(sentence)),
                LinkEvent::Up(_) | LinkEvent::Down(_) | LinkEvent::Frame { .. } => {}
                // Nobody orders faults before there is a cluster.
                LinkEvent::FaultAnswer { .. } | LinkEvent::NobodyThere(_) => {}
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_keeps_its_founder_id() {
        let folder = tempfile::tempdir().expect("a folder");
        let mut disk = FolderDisk::new(folder.path());
        let id = founder_id(&mut disk).expect("drawn");
        assert_eq!(founder_id(&mut disk), Ok(id));
        std::fs::write(folder.path().join(FOUNDER_FILE), "nonsense").expect("written");
        assert!(founder_id(&mut disk).expect_err("damaged").to_string().contains("damaged"));
    }
}
