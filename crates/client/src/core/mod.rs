//! The client's mind, without sockets, clocks, threads or random numbers.
//!
//! The contract with a body (blocking, async, or a simulated one):
//!
//! 1. [`Core::begin`] makes a [`Call`] from a [`Command`]. Then, until it is done: ask [`Call::next`] and do what it says.
//!    [`Step::Attempt`]: send all its commands to that node on one connection, and hand all replies to [`Call::answered`], or say with [`Call::failed`]
//!    how it went wrong, at the latest at its `until`. [`Step::Wait`]: ask again at that time. [`Step::Done`]: give the result to the caller.
//! 2. [`Core::finish`] for every call that was begun, done or dropped.
//! 3. Time comes in as [`Mono`], from one clock for all calls of a core.
//!
//! Why retries are safe: every write of one shard carries a number that the cluster applies once. A number lives in a *lane*,
//! and a lane has one write under way at a time, so no number ever falls below the window of replies that the cluster remembers.
//!
//! Same inputs, same outputs, byte for byte.

mod call;
mod command;
mod greeting;
mod lanes;
mod routing;
mod verdict;

pub use call::{Attempt, Call, Failed, Step};
pub use command::{Access, Command};
pub use greeting::{greeted, greeting};
pub use routing::Routing;

use crate::error::Error;
use crate::terms::Terms;
use lanes::Lanes;
use proto::time::Mono;
use std::time::Duration;

/// What all calls of one client share: the map, the nodes to avoid, the numbers.
#[derive(Debug)]
pub struct Core {
    routing: Routing,
    lanes: Lanes,
}

impl Core {
    /// A core that knows these addresses (`HOST:PORT`), and numbers its writes under `name`: 128 random bits, drawn by the body.
    ///
    /// # Errors
    /// `Invalid` if there is no address, or one is not `HOST:PORT`.
    pub fn new(addresses: &[String], name: u128) -> Result<Core, Error> {
        Ok(Core { routing: Routing::new(addresses)?, lanes: Lanes::new(name) })
    }

    /// Starts a call on these terms that must end by `now + deadline`; one try takes at most `attempt`.
    pub fn begin(
        &mut self,
        now: Mono,
        command: Command,
        terms: Terms,
        deadline: Duration,
        attempt: Duration,
    ) -> Call {
        let number = (command.access() == Access::Numbered).then(|| self.lanes.take());
        Call::new(command, terms, number, now + deadline, attempt)
    }

    /// Ends a call, so that its number's lane serves the next write.
    pub fn finish(&mut self, call: &mut Call) {
        if let Some(number) = call.take_number() {
            self.lanes.put_back(number);
        }
    }

    /// Nodes and map.
    pub fn routing(&mut self) -> &mut Routing {
        &mut self.routing
    }
}
