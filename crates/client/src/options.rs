//! What a caller may choose: for the whole client, and for one SET.

use bytes::Bytes;
use std::fmt;
use std::time::Duration;

/// Choices for a whole client. `Options::default()` fits a cluster without a password.
#[derive(Clone)]
pub struct Options {
    /// The cluster's password for clients, if it has one.
    pub password: Option<String>,
    /// How long one operation may take, all its tries together.
    pub deadline: Duration,
    /// How long one try at one node may take before another node is tried. A node that is paused or cut off costs this much once.
    pub attempt: Duration,
}

impl Default for Options {
    fn default() -> Options {
        Options { password: None, deadline: Duration::from_secs(5), attempt: Duration::from_secs(1) }
    }
}

/// Never shows the password.
impl fmt::Debug for Options {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Options")
            .field("password", &self.password.as_ref().map(|_| "…"))
            .field("deadline", &self.deadline)
            .field("attempt", &self.attempt)
            .finish()
    }
}

/// Choices for one SET. The default overwrites whatever is there and never expires.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SetOptions {
    pub(crate) ttl: Option<Duration>,
    pub(crate) condition: Condition,
}

/// When a SET takes effect.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) enum Condition {
    #[default]
    Always,
    Absent,
    Present,
    Equals(Bytes),
}

impl SetOptions {
    /// Overwrites whatever is there, for ever.
    pub fn new() -> SetOptions {
        SetOptions::default()
    }

    /// The key is deleted after `ttl` (whole milliseconds, at least one).
    pub fn ttl(mut self, ttl: Duration) -> SetOptions {
        self.ttl = Some(ttl);
        self
    }

    /// Only if the key is absent. Replaces an earlier condition.
    pub fn if_absent(mut self) -> SetOptions {
        self.condition = Condition::Absent;
        self
    }

    /// Only if the key is present. Replaces an earlier condition.
    pub fn if_present(mut self) -> SetOptions {
        self.condition = Condition::Present;
        self
    }

    /// Only if the value is exactly this. Replaces an earlier condition.
    pub fn if_equals(mut self, value: impl Into<Bytes>) -> SetOptions {
        self.condition = Condition::Equals(value.into());
        self
    }
}
