//! Hand-written stories: some real cores in a world where nothing is drawn and everything is said.
//!
//! The simulator's seeds look for what nobody thought of. A story is the opposite: somebody thought of it, wrote down what happens to whom in which order, and what everybody must hear. It is read from top to bottom,
//! commands above, what was recorded below (`crates/sim/tests/stories/*/*.story`; `docs/simulator.md` says how to write one).
//!
//! * `cluster`: the world: virtual time, and what a body does for a core.
//! * `links`: who reaches whom, and which messages are held back, lost or doubled.
//! * `damage`: what happens to processes, disks and clocks.
//! * `clients`: who asks what through which node, in which session.
//! * `commands`, `words`: the language. `looks`, `show`: what is seen from outside, and its text.
//!
//! Words in capitals are clients' commands and go through the real parser; words in small letters are the world's.
//!
//! Invariant: the same story gives the same text, byte for byte. What a story prints names no times, indexes or absolute terms, so that it changes only when what it tells does.
//! Not here: reading files and comparing (`crates/sim/tests/stories.rs`, with `goldenscript`).

mod clients;
mod cluster;
mod commands;
mod damage;
mod links;
mod looks;
mod show;
mod words;

use cluster::Cluster;

/// One line of a story.
#[derive(Clone, Copy, Debug)]
pub struct Line<'a> {
    /// Who says it: a client's place (`1`, `1.b`, `ann@2`, `all`), or nobody.
    pub who: Option<&'a str>,
    /// The command and its arguments.
    pub words: &'a [String],
    /// What stands in brackets: how the answer is to be heard.
    pub tags: &'a [&'a str],
}

/// A story that is being told.
#[derive(Default)]
pub struct Story {
    cluster: Option<Cluster>,
    #[cfg(feature = "planted")]
    planted: node::planted::Planted,
}

impl Story {
    /// A story of nodes that have this bug: it must not end as it was recorded.
    #[cfg(feature = "planted")]
    pub fn with(planted: node::planted::Planted) -> Story {
        Story { cluster: None, planted }
    }

    /// Does what a line says, and tells what came of it.
    ///
    /// # Errors
    /// A sentence, if the line makes no sense here.
    pub fn tell(&mut self, line: Line<'_>) -> Result<String, String> {
        let (name, arguments) = line.words.split_first().ok_or("an empty line")?;
        if name == "nodes" {
            let mut cluster = Cluster::found(arguments)?;
            #[cfg(feature = "planted")]
            {
                cluster.planted = self.planted;
            }
            cluster.come_up()?;
            self.cluster = Some(cluster);
            return Ok(String::new());
        }
        let cluster = self.cluster.as_mut().ok_or("a story begins with 'nodes'")?;
        match line.who {
            Some(who) => cluster.ask(who, line.words, line.tags),
            None => {
                let told = cluster.command(name, arguments)?;
                Ok(cluster.take_said() + &told)
            }
        }
    }
}
