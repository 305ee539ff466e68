//! What a program's operations have written and seen, so that they stand in its order wherever they are answered.
//!
//! Every answer brings a token, and every operation goes out with what the answers so far brought. So a read at `sequential`, at whatever node, sees what the session wrote before. A token is text: another process,
//! another client or another front (the HTTP header `Session`, `SESSION RESUME`) goes on from it.
//!
//! An operation stands after those of its session whose answers had come when it began. Operations of one session may be under way at once; they are not ordered among themselves, and the session has
//! then seen what all of them have. Of two such tokens neither need cover the other, and only a node can join them: both are kept and go out together, until an answer comes to an operation that went out with them, or one
//! that covers them. There are seldom more than one or two, and never more than there were operations under way.
//!
//! Invariant: a session never forgets. Not here: what a token means, and whether it is genuine; the nodes judge that.

use crate::error::Error;
use proto::limits::{MAX_JOINED_TOKENS, MAX_TOKEN_BYTES};
use proto::session::{BETWEEN_TOKENS, Session as Claim};
use std::fmt;
use std::str::FromStr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Stands between tokens that go out together.
const BETWEEN: char = BETWEEN_TOKENS as char;

/// A handle to a session. Clones are the same session; for one of its own take [`Session::new`], or [`Session::from_str`] with this one's token.
#[derive(Clone, Debug, Default)]
pub struct Session {
    kept: Arc<Mutex<Kept>>,
}

/// Tokens none of which is known to cover another, the newest last.
#[derive(Debug, Default)]
struct Kept {
    tokens: Vec<(Arc<str>, Claim)>,
    /// All of them as they go out, with dots between them.
    joined: Option<Arc<str>>,
}

impl Kept {
    /// Takes a token in. Those that it is known to have come after are dropped, and those that it covers.
    fn take(&mut self, token: &str, after: Option<&str>) {
        // What cannot be read here covers nothing and is covered by nothing but what came after it.
        let claim = Claim::claimed(token.as_bytes());
        let went_out = |kept: &str| after.is_some_and(|after| after.split(BETWEEN).any(|sent| sent == kept));
        self.tokens.retain(|(kept, seen)| {
            &**kept != token
                && !went_out(kept)
                && !claim.as_ref().is_some_and(|claim| !seen.is_empty() && claim.covers(seen))
        });
        let is_covered =
            claim.as_ref().is_some_and(|claim| self.tokens.iter().any(|(_, seen)| seen.covers(claim)));
        if !is_covered {
            self.tokens.push((token.into(), claim.unwrap_or_default()));
        }
        let all: Vec<&str> = self.tokens.iter().map(|(token, _)| &**token).collect();
        self.joined = Some(all.join(&BETWEEN.to_string()).into());
    }
}

impl Session {
    /// A session that depends on nothing.
    pub fn new() -> Session {
        Session::default()
    }

    /// The session in writing; `None` while it depends on nothing. After operations that were under way at once it may be several tokens with dots between them; wherever a token is taken, so are these.
    pub fn token(&self) -> Option<String> {
        self.newest().map(|token| token.to_string())
    }

    /// What the next operation goes out with.
    pub(crate) fn newest(&self) -> Option<Arc<str>> {
        self.locked().joined.clone()
    }

    /// An answer brought this token, to an operation that went out after those. Answers may come in any order: nothing is dropped but what this one, or another, has certainly seen.
    pub(crate) fn saw(&self, token: &str, after: Option<&str>) {
        self.locked().take(token, after);
    }

    /// Begins anew: what it had seen is of a cluster that is no more.
    pub(crate) fn forget(&self) {
        *self.locked() = Kept::default();
    }

    /// Nothing that stops halfway runs under this lock, so what a panic elsewhere leaves is whole.
    fn locked(&self) -> MutexGuard<'_, Kept> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl FromStr for Session {
    type Err = Error;

    /// A session that goes on from where this token's was.
    fn from_str(text: &str) -> Result<Session, Error> {
        let is_token = |token: &str| {
            let is_text =
                token.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_');
            is_text && !token.is_empty() && token.len() <= MAX_TOKEN_BYTES
        };
        if text.split(BETWEEN).count() > MAX_JOINED_TOKENS || !text.split(BETWEEN).all(is_token) {
            return Err(Error::invalid(
                "this is no session token; pass one as a client, SESSION TOKEN or the Session header gave it",
            ));
        }
        let session = Session::new();
        text.split(BETWEEN).for_each(|token| session.saw(token, None));
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
    use proto::ids::{ClusterId, NodeId};
    use proto::session::TokenKey;
    use proto::tentative::{Dot, Origin};

    fn sealed(hlc: u64, dots: &[(u64, u64)]) -> String {
        let dot = |&(node, number)| Dot { origin: Origin::first_of(NodeId(node)), number };
        let claim = Claim { hlc: Timestamp(hlc), dots: dots.iter().map(dot).collect() };
        TokenKey::new(ClusterId([1; 16]), [2; 32]).seal(&claim)
    }

    fn token(hlc: u64) -> String {
        sealed(hlc, &[])
    }

    #[test]
    fn answers_that_come_late_do_not_take_the_session_back() {
        let session = Session::new();
        assert_eq!((session.token(), &*session.to_string()), (None, ""));
        session.clone().saw(&token(7), None);
        session.saw(&token(5), None);
        assert_eq!(session.token(), Some(token(7)));
        session.saw(&token(9), None);
        assert_eq!(session.token(), Some(token(9)));
    }

    #[test]
    fn tokens_of_which_neither_covers_the_other_go_out_together_until_one_answer_has_both() {
        let session = Session::new();
        let (one, two) = (sealed(5, &[(1, 7)]), sealed(5, &[(2, 3)]));
        session.saw(&one, None);
        session.saw(&two, None);
        let both = session.token().expect("it has seen something");
        assert_eq!(both, format!("{one}.{two}"));
        assert_eq!(both.parse::<Session>().unwrap().token(), Some(both.clone()));
        let third = sealed(5, &[(3, 1)]);
        session.saw(&third, None);
        // Folded by the node that answers: by its claim alone it covers neither.
        let joined = sealed(6, &[(2, 3)]);
        session.saw(&joined, Some(&both));
        assert_eq!(session.token(), Some(format!("{third}.{joined}")));
        session.saw(&sealed(6, &[(2, 4), (3, 1)]), None);
        assert_eq!(session.token(), Some(sealed(6, &[(2, 4), (3, 1)])));
    }

    #[test]
    fn what_is_no_token_is_refused_before_it_is_sent() {
        for text in ["", "two words", "a..b", ".", "a\r\nb", &"A".repeat(MAX_TOKEN_BYTES + 1)] {
            assert!(text.parse::<Session>().is_err(), "{text:?}");
        }
        assert_eq!(token(3).parse::<Session>().unwrap().token(), Some(token(3)));
    }
}
