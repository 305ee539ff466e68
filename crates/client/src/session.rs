//! What a program's operations have written and seen, so that they stand in its order wherever they are answered.
//!
//! Every answer brings a token, and every operation goes out with the newest. So a read at `sequential`, at whatever node, sees what the session wrote before. A token is text: another process,
//! another client or another front (the HTTP header `Session`, `SESSION RESUME`) goes on from it.
//!
//! An operation stands after those of its session whose answers had come when it began. Operations of one session may be under way at once; they are not ordered among themselves, and the session has
//! then seen what all of them have.
//!
//! Invariant: a session never forgets. Not here: what a token means, and whether it is genuine; the nodes judge that.

use crate::error::Error;
use proto::limits::MAX_TOKEN_BYTES;
use proto::session::Session as Claim;
use std::fmt;
use std::str::FromStr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// A handle to a session. Clones are the same session; for one of its own take [`Session::new`], or [`Session::from_str`] with this one's token.
#[derive(Clone, Debug, Default)]
pub struct Session {
    token: Arc<Mutex<Option<Arc<str>>>>,
}

impl Session {
    /// A session that depends on nothing.
    pub fn new() -> Session {
        Session::default()
    }

    /// The session in writing; `None` while it depends on nothing.
    pub fn token(&self) -> Option<String> {
        self.newest().map(|token| token.to_string())
    }

    /// What the next operation goes out with.
    pub(crate) fn newest(&self) -> Option<Arc<str>> {
        self.locked().clone()
    }

    /// An answer brought this token. Answers may come in any order: the one that has seen more is kept.
    pub(crate) fn saw(&self, token: &str) {
        let mut kept = self.locked();
        let seen = |token: &str| Claim::claimed(token.as_bytes()).map(|claim| claim.hlc);
        if kept.as_deref().is_none_or(|kept| seen(kept) <= seen(token)) {
            *kept = Some(token.into());
        }
    }

    /// Begins anew: what it had seen is of a cluster that is no more.
    pub(crate) fn forget(&self) {
        *self.locked() = None;
    }

    /// Nothing that stops halfway runs under this lock, so what a panic elsewhere leaves is whole.
    fn locked(&self) -> MutexGuard<'_, Option<Arc<str>>> {
        self.token.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl FromStr for Session {
    type Err = Error;

    /// A session that goes on from where this token's was.
    fn from_str(token: &str) -> Result<Session, Error> {
        let is_text = token.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_');
        if token.is_empty() || token.len() > MAX_TOKEN_BYTES || !is_text {
            return Err(Error::invalid(
                "this is no session token; pass one as a client, SESSION TOKEN or the Session header gave it",
            ));
        }
        let session = Session::new();
        session.saw(token);
        Ok(session)
    }
}

/// Nothing, for a session that depends on nothing.
impl fmt::Display for Session {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.newest().as_deref().unwrap_or_default())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proto::hlc::Timestamp;
    use proto::ids::ClusterId;
    use proto::session::TokenKey;

    fn token(hlc: u64) -> String {
        TokenKey::new(ClusterId([1; 16]), [2; 32]).seal(&Claim::at(Timestamp(hlc)))
    }

    #[test]
    fn answers_that_come_late_do_not_take_the_session_back() {
        let session = Session::new();
        assert_eq!((session.token(), &*session.to_string()), (None, ""));
        session.clone().saw(&token(7));
        session.saw(&token(5));
        assert_eq!(session.token(), Some(token(7)));
        session.saw(&token(9));
        assert_eq!(session.token(), Some(token(9)));
    }

    #[test]
    fn what_is_no_token_is_refused_before_it_is_sent() {
        for text in ["", "two words", "a\r\nb", &"A".repeat(MAX_TOKEN_BYTES + 1)] {
            assert!(text.parse::<Session>().is_err(), "{text:?}");
        }
        assert_eq!(token(3).parse::<Session>().unwrap().token(), Some(token(3)));
    }
}
