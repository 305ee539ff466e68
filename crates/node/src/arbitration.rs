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
