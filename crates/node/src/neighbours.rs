//! Whom this node hears, directly or through others, since when not, and what they said last.
//!
//! Every node announces itself to every peer a few times a second. What is heard decides who may be given leadership, and is what `quartet status` shows. It decides nothing
//! about safety. Which links frames take is not known here (`mesh`).

use crate::event::Event;
use proto::ids::NodeId;
use proto::peer::Announce;
use proto::time::Mono;
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

#[derive(Debug)]
struct Neighbour {
    heard: Mono,
    silent: bool,
    announce: Announce,
}

/// What is known of the peers.
#[derive(Debug, Default)]
pub struct Neighbours {
    peers: BTreeMap<NodeId, Neighbour>,
}

impl Neighbours {
    /// A frame of this peer arrived. Says whether it had been silent.
    pub fn heard(&mut self, node: NodeId, now: Mono, events: &mut Vec<Event>) -> bool {
        match self.peers.get_mut(&node) {
            Some(neighbour) => {
                neighbour.heard = now;
                let was_silent = std::mem::replace(&mut neighbour.silent, false);
                if was_silent {
                    events.push(Event::PeerHeard { node });
                }
                was_silent
            }
            None => {
                events.push(Event::PeerHeard { node });
                self.peers
                    .insert(node, Neighbour { heard: now, silent: false, announce: Announce::default() });
                false
            }
        }
    }

    /// A peer announced itself.
    pub fn announced(&mut self, node: NodeId, announce: Announce) {
        if let Some(neighbour) = self.peers.get_mut(&node) {
            neighbour.announce = announce;
        }
    }

    /// Notices who has fallen silent.
    pub fn tick(&mut self, now: Mono, silence: Duration, events: &mut Vec<Event>) -> Vec<NodeId> {
        let mut fallen_silent = Vec::new();
        for (node, neighbour) in &mut self.peers {
            if !neighbour.silent && now - neighbour.heard > silence {
                neighbour.silent = true;
                events.push(Event::PeerSilent { node: *node });
                fallen_silent.push(*node);
            }
        }
        fallen_silent
    }

    /// The peers that are heard, are not stopping, and whose disks are fit.
    pub fn eligible(&self) -> BTreeSet<NodeId> {
        self.peers
            .iter()
            .filter(|(_, neighbour)| {
                !neighbour.silent && !neighbour.announce.stopping && !neighbour.announce.unfit
            })
            .map(|(node, _)| *node)
            .collect()
    }

    /// What is known of a peer: how long ago it was heard in milliseconds, whether it counts as silent, and its last announcement.
    pub fn get(&self, node: NodeId, now: Mono) -> Option<(u64, bool, &Announce)> {
        self.peers
            .get(&node)
            .map(|neighbour| (millis(now - neighbour.heard), neighbour.silent, &neighbour.announce))
    }
}

fn millis(span: Duration) -> u64 {
    u64::try_from(span.as_millis()).unwrap_or(u64::MAX)
}
