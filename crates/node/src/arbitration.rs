//! How the log decides tentative operations: in each origin's order, once, strong wins, newest wins (`docs/consistency.md`, arbitration).

use proto::tentative::WhySuperseded;

/// What became of a tentative operation that the log brought.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It took effect (its reply may still be an error of the command's own).
    Applied,
    /// It lost, and will never take effect.
    Superseded(WhySuperseded),
    /// It was decided before: nothing happened.
    Repeated,
    /// Something that must be decided before it is not: nothing happened, and it must be handed in again.
    TooEarly,
}

/// Stub.
#[derive(Clone, Debug, Default)]
pub struct Arbitration(proto::tentative::Dots);
impl Arbitration {
    /// Stub.
    pub fn marks(&self) -> &proto::tentative::Dots {
        &self.0
    }
    /// Stub.
    pub fn floor(&self) -> proto::hlc::Timestamp {
        proto::hlc::Timestamp::ZERO
    }
    /// Stub.
    pub fn wants_floor(&self) -> bool {
        false
    }
}
/// Stub.
pub fn strong_time(_: &crate::machine::ShardMachine, _: &[u8]) -> proto::hlc::Timestamp {
    proto::hlc::Timestamp::ZERO
}
/// Stub.
pub mod overlay {
    use crate::machine::ShardMachine;
    use proto::{
        hlc::Timestamp,
        ops::{Read, Write},
        outcome::State,
        reply::Reply,
        tentative::{Dots, Operation},
    };
    /// Stub.
    #[derive(Debug)]
    pub struct Shown {
        /// a
        pub reply: Reply,
        /// a
        pub version: Timestamp,
        /// a
        pub seen: Timestamp,
        /// a
        pub dots: Dots,
        /// a
        pub state: State,
    }
    /// Stub.
    pub fn read(_: &ShardMachine, _: &[&Operation], _: u64, _: &Read) -> Shown {
        todo!()
    }
    /// Stub.
    pub type Estimate = Shown;
    /// Stub.
    pub fn estimate(_: &ShardMachine, _: &[&Operation], _: &Write, _: Timestamp) -> Shown {
        todo!()
    }
}
