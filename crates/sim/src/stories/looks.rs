//! What is seen from outside: who leads, what each replica holds, what stands in a log.
//!
//! Invariant: looking changes nothing but what asking for a value at `eventual` changes, which is nothing that anybody can tell.

use super::cluster::{Cluster, SEGMENT_BYTES};
use super::show;
use bytes::Bytes;
use node::core::Core;
use proto::ids::{GroupId, Incarnation, LogIndex};
use proto::log_entry::LogEntry;
use proto::ops::{KeyRead, Read};
use proto::reply::Reply;
use proto::slots::slot_of;
use std::collections::BTreeMap;
use storage::log::{Log, LogOwner, SegmentSizes};

impl Cluster {
    fn shards(&self) -> impl Iterator<Item = GroupId> + use<> {
        (1..=self.settings.shards).map(GroupId)
    }

    fn cores(&self) -> impl Iterator<Item = (usize, &Core)> {
        self.machines.iter().enumerate().filter_map(|(at, machine)| Some((at + 1, machine.core()?)))
    }

    /// Who thinks that it leads, shard by shard.
    pub(super) fn leaders(&self) -> String {
        let mut told = String::new();
        for shard in self.shards() {
            let mut leads = Vec::new();
            for (node, core) in self.cores() {
                let view = core.views().find(|(group, _, _)| *group == shard).map(|(_, view, _)| view);
                if let Some(view) = view.filter(|view| view.leads) {
                    leads.push(format!(
                        "{node} leads{} in term {}",
                        self.of_shard(shard),
                        self.term(shard, view.term)
                    ));
                }
            }
            if leads.is_empty() {
                leads.push(format!("nobody leads{}", self.of_shard(shard)));
            }
            told += &format!("{}\n", leads.join("; "));
        }
        told
    }

    /// What each replica holds of a key: what is decided and, where it differs, what is shown over it.
    pub(super) fn state(&mut self, key: &str) -> Result<String, String> {
        let mut held: Vec<(String, Vec<usize>)> = Vec::new();
        for node in 0..self.machines.len() {
            let Some(decided) = self.decided(node, key) else { continue };
            let shown = self.shown(node, key)?;
            let text = if shown == decided { decided } else { format!("{decided}, shown as {shown}") };
            match held.iter_mut().find(|(known, _)| *known == text) {
                Some((_, nodes)) => nodes.push(node + 1),
                None => held.push((text, vec![node + 1])),
            }
        }
        let line = |(text, nodes): (String, Vec<usize>)| {
            let nodes: Vec<String> = nodes.iter().map(usize::to_string).collect();
            format!("{key} at {}: {text}\n", nodes.join(" "))
        };
        Ok(held.into_iter().map(line).collect())
    }

    fn decided(&self, node: usize, key: &str) -> Option<String> {
        let core = self.machines[node].core()?;
        let kind = core.look(&Read::Key(KeyRead::Type { key: Bytes::from(key.to_owned()) }))?;
        let line = reading(&kind, key);
        match proto::commands::parse(&line.iter().map(|word| Bytes::from(word.clone())).collect::<Vec<_>>()) {
            Ok(proto::command::Command::Read { read, .. }) => {
                core.look(&read).map(|reply| show::reply(&reply))
            }
            _ => None,
        }
    }

    fn shown(&mut self, node: usize, key: &str) -> Result<String, String> {
        let who = format!("{}.look", node + 1);
        let ask = |cluster: &mut Cluster, line: &[String]| -> Result<String, String> {
            let told = cluster.ask(&who, line, &[])?;
            Ok(told.trim_end().split_once(" → ").map_or_else(String::new, |(_, answer)| answer.to_owned()))
        };
        let kind = ask(self, &["TYPE@eventual".to_owned(), key.to_owned()])?;
        let kind = kind.split(' ').next().unwrap_or_default().to_owned();
        let mut line = reading(&Reply::Status(kind), key);
        line[0] += "@eventual";
        let shown = ask(self, &line)?;
        Ok(shown.strip_suffix(" (tentative)").unwrap_or(&shown).to_owned())
    }

    /// What the conflict log of every replica says of a key.
    pub(super) fn conflicts(&mut self, key: &str) -> Result<String, String> {
        let line = ["CONFLICTS@eventual".to_owned(), key.to_owned()];
        let mut told: Vec<(String, Vec<String>)> = Vec::new();
        for node in 0..self.machines.len() {
            if self.decided(node, key).is_none() {
                continue;
            }
            let said = self.ask(&format!("{}.look", node + 1), &line, &[])?;
            let said =
                said.split_once(" → ").map_or(String::new(), |(_, said)| said.replace("[]", "no conflicts"));
            match told.iter_mut().find(|(known, _)| *known == said) {
                Some((_, nodes)) => nodes.push((node + 1).to_string()),
                None => told.push((said, vec![(node + 1).to_string()])),
            }
        }
        Ok(told.into_iter().map(|(said, nodes)| format!("at {}: {said}", nodes.join(" "))).collect())
    }

    /// The log of a shard on a node's disk, whether or not the node runs.
    pub(super) fn log(&mut self, node: usize, shard: GroupId) -> Result<String, String> {
        let mut disk = self.machines[node].disk.clone();
        let id = crate::world::id_of(node);
        let owner = LogOwner { cluster: self.set.cluster, node: id, incarnation: Incarnation(1), core: 0 };
        let sizes = SegmentSizes { first_bytes: SEGMENT_BYTES, largest_bytes: SEGMENT_BYTES };
        let recovered = match Log::open_sized(&mut disk, &owner, sizes) {
            Ok((_, recovered)) => recovered,
            Err(error) => return Ok(format!("{error}\n")),
        };
        let group = recovered.groups.get(&shard).cloned().unwrap_or_default();
        let view = self.machines[node].core().and_then(|core| core.views().find(|(id, _, _)| *id == shard));
        let stored = group.hard_state.map_or(LogIndex(0), |state| state.commit);
        let decided = view.map_or(stored, |(_, view, _)| view.decided);
        let mut told = String::new();
        if recovered.truncated_tail.is_some() {
            told += "its end is torn\n";
        }
        if group.mark.is_some() {
            told += "a snapshot stands for the beginning\n";
        }
        for entry in &group.entries {
            let Ok(said) = postcard::from_bytes::<LogEntry>(&entry.data) else { continue };
            let Some(said) = show::entry(&said) else { continue };
            let fate = if entry.index <= decided { "" } else { ", undecided" };
            told += &format!("term {}: {said}{fate}\n", self.term(shard, entry.term));
        }
        if told.is_empty() {
            told += "an empty log\n";
        }
        Ok(told)
    }

    /// Where keys live, and who leads there.
    pub(super) fn place(&self, key: &str) -> Result<String, String> {
        let (_, core) = self.cores().next().ok_or("no node runs")?;
        let shard = core.routing().shard_of(slot_of(key.as_bytes()));
        let placement = core.routing().placement(shard).ok_or("no such shard")?;
        let nodes: Vec<String> = placement.replicas.iter().map(ToString::to_string).collect();
        Ok(format!("{key} is of shard {shard}, at {}\n", nodes.join(" ")))
    }

    /// What waits for its decision, node by node.
    pub(super) fn pending(&self) -> String {
        let mut told = String::new();
        for (node, core) in self.cores() {
            let now = self.machines[node - 1].clocks.now(self.schedule.now());
            let status = core.status(now);
            let (own, hints) = (status.undecided - status.hints, status.hints);
            if own > 0 {
                told += &format!("{node} holds {own} undecided\n");
            }
            if hints > 0 {
                told += &format!("{node} holds hints: {hints}\n");
            }
        }
        if told.is_empty() { "nothing is undecided\n".to_owned() } else { told }
    }

    /// Whether the replicas of each shard are byte for byte the same.
    pub(super) fn equality(&self) -> String {
        for shard in self.shards() {
            let mut digests: BTreeMap<u128, Vec<String>> = BTreeMap::new();
            for (node, core) in self.cores() {
                if let Some(digest) = core.digest(shard) {
                    digests.entry(digest).or_default().push(node.to_string());
                }
            }
            if digests.len() > 1 {
                let mut sides: Vec<String> = digests.into_values().map(|nodes| nodes.join(" ")).collect();
                sides.sort_unstable();
                return format!("the replicas{} differ: {}\n", self.of_shard(shard), sides.join(" from "));
            }
        }
        "all replicas are equal\n".to_owned()
    }

    /// The term and leader of a shard as some running node knows them, for messages in the leader's name.
    pub(super) fn newest_leader(&self, shard: GroupId) -> Option<(usize, proto::ids::Term)> {
        let views = self.cores().filter_map(|(node, core)| {
            core.views()
                .find(|(id, view, _)| *id == shard && view.leads)
                .map(|(_, view, _)| (node - 1, view.term))
        });
        views.max_by_key(|(_, term)| *term)
    }
}

/// The command that shows all of a key of this type.
fn reading(kind: &Reply, key: &str) -> Vec<String> {
    let name = match kind {
        Reply::Simple(name) => name,
        Reply::Status(name) => name.as_str(),
        _ => "",
    };
    let words: &[&str] = match name {
        "hash" => &["HGETALL", key],
        "set" => &["SMEMBERS", key],
        "list" => &["LRANGE", key, "0", "-1"],
        "zset" => &["ZRANGE", key, "0", "-1"],
        _ => &["GET", key],
    };
    words.iter().map(|word| (*word).to_owned()).collect()
}
