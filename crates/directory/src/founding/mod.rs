//! How N nodes that know only some addresses become one cluster, and never two.

mod message;
mod round;
mod set;

pub use message::{FoundingMessage, MessageError};
pub use round::{Drawn, Founding, Input, Output, Wanted};
pub use set::{Founder, FoundingSet, StoredFounding};
