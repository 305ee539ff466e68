//! On which terms a client's operations are made: levels, staleness, deadline, session.
//!
//! They belong to a handle and not to each call, so that every operation has them without an argument more: `client.at(Level::Sequential).get("k")`.

use crate::session::Session;
use proto::level::Ladder;
use proto::session::BadToken;
use std::sync::Arc;
use std::time::Duration;

/// What one operation asks for besides its words.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Terms {
    /// The levels that are tried, one after the other.
    pub ladder: Ladder,
    /// How old the state that answers a read may be; `None` means as old as the level allows.
    pub max_staleness: Option<Duration>,
    /// On how many nodes a tentative write must be durable before it is answered; `None` means one.
    pub acks: Option<u8>,
    /// The token of the session that it belongs to, or several with dots between them; `None` means that it depends on nothing.
    pub after: Option<Arc<str>>,
}

/// What a handle's operations have in common.
#[derive(Clone, Debug)]
pub(crate) struct Habits {
    pub ladder: Ladder,
    pub max_staleness: Option<Duration>,
    pub acks: Option<u8>,
    pub deadline: Duration,
    pub session: Session,
    /// Nobody but this client knows the session.
    pub has_own_session: bool,
}

impl Habits {
    pub(crate) fn new(deadline: Duration) -> Habits {
        Habits {
            ladder: Ladder::default(),
            max_staleness: None,
            acks: None,
            deadline,
            session: Session::new(),
            has_own_session: true,
        }
    }

    /// The terms of an operation that begins now.
    pub(crate) fn terms(&self) -> Terms {
        Terms {
            ladder: self.ladder,
            max_staleness: self.max_staleness,
            acks: self.acks,
            after: self.session.newest(),
        }
    }

    /// Takes note of how an operation ended that went out after these tokens.
    pub(crate) fn ended(&self, result: &Result<crate::Answer, crate::Error>, after: Option<&str>) {
        match result {
            Ok(answer) => {
                if let Some(token) = answer.achieved.as_ref().and_then(|achieved| achieved.token.as_deref()) {
                    self.session.saw(token, after);
                }
            }
            // The cluster was founded anew under a client that lives on. Nobody handed it this session, so nobody misses it.
            Err(error) if self.has_own_session && error.message.contains(&BadToken::Foreign.to_string()) => {
                self.session.forget()
            }
            Err(_) => {}
        }
    }
}
