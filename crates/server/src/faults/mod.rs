//! Faults that anyone can make: links that are cut or slow, and nodes that stand still, on nodes that were started with `--allow-faults`.
//!
//! * `cuts`: which directions are cut. `delays`: which links are slow. `order`: what nodes tell each other about it, and its bytes. `wish`: what a person may ask for.
//! * `state`: one node's faults, and what it does with an order. `desk`: commands under way at the node that was asked.
//! * Enforced in `links` (`links::orders` and the places that ask [`Faults::is_cut`]; `links::held`); said through `fronts`.
//!
//! **How a partition is imitated.** A cut takes everything that a link carries, at once and without a word: frames, and so consensus, forwards, snapshot pieces; founding messages;
//! handshakes. The core is told nothing. The link's own clocks run on as they would under a real partition: after three seconds without a sign of life each side gives the connection up, and only
//! then hears the core that the link is down; attempts to make it anew fail until it is healed. Dropping is done at *both* ends: each drops what it would send and what it hears. So a cut holds
//! from the moment that one end knows it, and survives the restart of the other end, which comes back with no faults of its own.
//!
//! A direction is cut by itself. The answers that a link's handshake and life signs need are part of *that* link, as if each direction had a wire of its own: so `oneway 1 2` loses what 1 says to 2
//! and leaves what 2 says to 1, although TCP over one wire would then carry neither.
//!
//! **How distance is imitated.** A slow link holds each frame for the delay, at the end that sends it and there only, so that no frame is held twice; each end delays what it says. Frames are the
//! traffic of the cluster: consensus, forwards, tentative operations, snapshot pieces. Handshakes, life signs, founding messages and orders are not held: they are no part of any request's time, and
//! a link is not to time out because it is slow. Order and bandwidth stay as they are, and any number of frames is on its way at once.
//!
//! **How orders travel.** Over connections of their own between the peer ports (`Purpose::Orders`), proven like all others, made when needed, and never cut: so any node can reach all others to
//! cut and to heal, also through the isolated one. Every node is told of every cut, so that every node can show it; the ends enforce it.
//!
//! Invariants: the core knows nothing of faults; without `--allow-faults` no order is obeyed, whoever gives it; nothing is kept on disk; a pause ends by itself.
//! It does not lose, reorder or double single frames, and touches no disk and no clock: the simulator does (`docs/simulator.md`).

mod cuts;
mod delays;
mod desk;
mod order;
mod state;
mod wish;

pub(crate) use cuts::Direction;
pub(crate) use delays::Delay;
pub(crate) use desk::{Asker, Desk, Report};
pub(crate) use order::{FaultMessage, Known, Order, OrderAnswer};
pub(crate) use state::{FaultView, Faults, StatusWithFaults};
pub(crate) use wish::{FaultError, FaultErrorKind, Wish};
