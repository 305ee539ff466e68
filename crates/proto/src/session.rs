//! Sessions and their tokens: what carries program order from one request, connection, node or front to the next.
//!
//! A session is one timestamp, nothing that it wrote or saw was decided later, and the dots of what it wrote or saw that may not be decided yet. Its token is the session in writing, bound to the cluster and authenticated, because a node moves its clock to what a session
//! has seen: nobody outside may make one up. As bytes, before they become base64url text without padding:
//!
//! ```text
//! | 1 version = 1 | 8 first half of the cluster's id | 8 timestamp | 1 number of dots | 13 each dot | 16 first half of HMAC-SHA-256 of all before |
//! | 3 node | 1 core | 3 incarnation | 6 number |   (a dot)
//! ```
//!
//! That is 34 bytes, 46 letters, and 254 letters with twelve dots: the most that there is room for within [`MAX_TOKEN_BYTES`]. In a healthy cluster dots are gone within milliseconds.
//!
//! Invariant: joining two sessions never makes either forget what it has seen.

use crate::hlc::Timestamp;
use crate::ids::{ClusterId, NodeId};
use crate::limits::{MAX_JOINED_TOKENS, MAX_SESSION_DOTS, MAX_TOKEN_BYTES};
use crate::tentative::{Dot, Dots, Origin};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, Mac};
use serde::{Deserialize, Serialize};
use sha2::Sha256;

const VERSION: u8 = 1;
const CLUSTER_BYTES: usize = 8;
const HEAD_BYTES: usize = 1 + CLUSTER_BYTES + 8 + 1;
const PROOF_BYTES: usize = 16;

const DOT_BYTES: usize = 13;
/// Stands between tokens that are named together. No token has one in it.
pub const BETWEEN_TOKENS: u8 = b'.';

/// What a session has written and seen.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Session {
    /// No decided write that it depends on was committed later than this.
    pub hlc: Timestamp,
    /// What it depends on that may not be decided.
    pub dots: Dots,
}

/// What a token is made with: the same on every node of a cluster.
#[derive(Clone, Copy)]
pub struct TokenKey {
    cluster: ClusterId,
    key: [u8; 32],
}

/// Why a token was refused, in a sentence without an error word in front.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BadToken {
    /// Not the text of a token at all.
    Malformed,
    /// Another cluster's.
    Foreign,
    /// Made by a version that knows more.
    Newer,
    /// Its proof does not hold.
    Forged,
}

impl BadToken {
    /// All of them: where only the sentence has come this far, it tells them from other failures.
    pub const ALL: [BadToken; 4] =
        [BadToken::Malformed, BadToken::Foreign, BadToken::Newer, BadToken::Forged];
}

impl Session {
    /// A session that depends on nothing undecided.
    pub fn at(hlc: Timestamp) -> Session {
        Session { hlc, dots: Dots::NONE }
    }

    /// Has seen this too.
    pub fn see(&mut self, seen: Timestamp) {
        self.hlc = self.hlc.max(seen);
    }

    /// Has seen all that either has seen.
    pub fn join(&mut self, other: &Session) {
        self.see(other.hlc);
        self.dots.join(&other.dots);
    }

    /// What a token claims, without its proof: for clients, who were given it by a node and can only ask which of two has seen more. `None` if it cannot be read here.
    pub fn claimed(token: &[u8]) -> Option<Session> {
        let bytes = URL_SAFE_NO_PAD.decode(token).ok()?;
        let (head, _) = bytes.split_last_chunk::<PROOF_BYTES>()?;
        read_head(head)
    }

    /// Whether whoever has seen this has certainly seen all of `other`. Dots may have been decided and gone into the timestamp, so the answer may be no where it could be yes.
    pub fn covers(&self, other: &Session) -> bool {
        self.hlc >= other.hlc && other.dots.iter().all(|dot| self.dots.of(dot.origin) >= dot.number)
    }

    /// Whether it has more dots than a token has room for.
    pub fn is_too_wide(&self) -> bool {
        self.dots.len() > MAX_SESSION_DOTS
    }

    /// Whether it depends on nothing.
    pub fn is_empty(&self) -> bool {
        self.hlc == Timestamp::ZERO && self.dots.is_empty()
    }
}

impl TokenKey {
    /// The key of a cluster.
    pub fn new(cluster: ClusterId, key: [u8; 32]) -> TokenKey {
        TokenKey { cluster, key }
    }

    /// Puts a session in writing.
    ///
    /// # Panics
    /// If it has more than [`MAX_SESSION_DOTS`] dots: nobody may let it come to that.
    pub fn seal(&self, session: &Session) -> String {
        assert!(session.dots.len() <= MAX_SESSION_DOTS, "a session with too many dots");
        let mut bytes = Vec::with_capacity(HEAD_BYTES + session.dots.len() * DOT_BYTES + PROOF_BYTES);
        bytes.push(VERSION);
        bytes.extend_from_slice(&self.cluster.0[..CLUSTER_BYTES]);
        bytes.extend_from_slice(&session.hlc.0.to_be_bytes());
        bytes.push(session.dots.len() as u8);
        for dot in session.dots.iter() {
            let Origin { node, core, incarnation } = dot.origin;
            bytes.extend_from_slice(&node.0.to_be_bytes()[5..]);
            bytes.push(core as u8);
            bytes.extend_from_slice(&incarnation.to_be_bytes()[1..]);
            bytes.extend_from_slice(&dot.number.to_be_bytes()[2..]);
        }
        let proof = self.mac(&bytes).finalize().into_bytes();
        bytes.extend_from_slice(&proof[..PROOF_BYTES]);
        URL_SAFE_NO_PAD.encode(bytes)
    }

    /// Reads what a request names: one token, or several with dots between them, of a client whose operations were under way at once and which cannot join their tokens itself. The session may have more
    /// than [`MAX_SESSION_DOTS`] dots; whoever goes on with it waits until it has not.
    pub fn open_all(&self, tokens: &[u8]) -> Result<Session, BadToken> {
        let mut joined = Session::default();
        for (at, token) in tokens.split(|&byte| byte == BETWEEN_TOKENS).enumerate() {
            if at == MAX_JOINED_TOKENS {
                return Err(BadToken::Malformed);
            }
            joined.join(&self.open(token)?);
        }
        Ok(joined)
    }

    /// Reads a session that a node of this cluster put in writing.
    pub fn open(&self, token: &[u8]) -> Result<Session, BadToken> {
        if token.len() > MAX_TOKEN_BYTES {
            return Err(BadToken::Malformed);
        }
        let bytes = URL_SAFE_NO_PAD.decode(token).map_err(|_| BadToken::Malformed)?;
        let Some((head, proof)) = bytes.split_last_chunk::<PROOF_BYTES>() else {
            return Err(BadToken::Malformed);
        };
        if head.len() < HEAD_BYTES {
            return Err(BadToken::Malformed);
        }
        if head[1..=CLUSTER_BYTES] != self.cluster.0[..CLUSTER_BYTES] {
            return Err(BadToken::Foreign);
        }
        self.mac(head).verify_truncated_left(proof).map_err(|_| BadToken::Forged)?;
        read_head(head).ok_or(BadToken::Newer)
    }

    fn mac(&self, bytes: &[u8]) -> Hmac<Sha256> {
        let mut mac = Hmac::<Sha256>::new_from_slice(&self.key).expect("any length will do");
        // The key has other uses: what it proves here is said.
        mac.update(b"quartet session token");
        mac.update(bytes);
        mac
    }
}

/// What stands before the proof; `None` if this version does not know it.
fn read_head(head: &[u8]) -> Option<Session> {
    let (fixed, dots) = head.split_at_checked(HEAD_BYTES)?;
    let (dots, rest) = dots.as_chunks::<DOT_BYTES>();
    let count = usize::from(fixed[HEAD_BYTES - 1]);
    if fixed[0] != VERSION || dots.len() != count || !rest.is_empty() || count > MAX_SESSION_DOTS {
        return None;
    }
    let number = |bytes: &[u8]| bytes.iter().fold(0, |number, &byte| number << 8 | u64::from(byte));
    let dots = dots.iter().map(|dot| Dot {
        origin: Origin {
            node: NodeId(number(&dot[..3])),
            core: u16::from(dot[3]),
            incarnation: number(&dot[4..7]) as u32,
        },
        number: number(&dot[7..]),
    });
    Some(Session { hlc: Timestamp(number(&fixed[1 + CLUSTER_BYTES..HEAD_BYTES - 1])), dots: dots.collect() })
}

impl std::fmt::Debug for TokenKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("TokenKey").field("cluster", &self.cluster).finish_non_exhaustive()
    }
}

impl std::fmt::Display for BadToken {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            BadToken::Malformed => {
                "this is no session token; pass one as this cluster gave it (SESSION TOKEN, the Session header)"
            }
            BadToken::Foreign => "this session token is of another cluster; start a new session here",
            BadToken::Newer => "this session token was made by a newer version; ask a node of that version",
            BadToken::Forged => "this session token was not made by this cluster, or was changed on the way",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(cluster: u8, key: u8) -> TokenKey {
        TokenKey::new(ClusterId([cluster; 16]), [key; 32])
    }

    #[test]
    fn a_token_is_read_as_it_was_written() {
        let session = Session::at(Timestamp(0x0123_4567_89ab_cdef));
        let token = key(1, 2).seal(&session);
        assert_eq!(token.len(), 46);
        assert!(token.len() <= MAX_TOKEN_BYTES);
        assert_eq!(key(1, 2).open(token.as_bytes()), Ok(session.clone()));
        assert_eq!(Session::claimed(token.as_bytes()), Some(session));
        assert_eq!(Session::claimed(b"AAAA"), None);
    }

    #[test]
    fn twelve_dots_fit_and_come_back() {
        let dots = (1..=MAX_SESSION_DOTS as u64).map(|at| Dot {
            origin: Origin { node: NodeId((1 << 24) - at), core: 7, incarnation: 3 + at as u32 },
            number: (1 << 48) - at,
        });
        let session = Session { hlc: Timestamp(9), dots: dots.collect() };
        let token = key(1, 2).seal(&session);
        assert!(token.len() <= MAX_TOKEN_BYTES, "{}", token.len());
        assert_eq!(key(1, 2).open(token.as_bytes()), Ok(session));
    }

    #[test]
    fn tokens_named_together_are_one_session_that_has_seen_all() {
        let dot = |node, number| Dot { origin: Origin::first_of(NodeId(node)), number };
        let session =
            |hlc, dots: &[Dot]| Session { hlc: Timestamp(hlc), dots: dots.iter().copied().collect() };
        let (one, two) = (session(5, &[dot(1, 7)]), session(9, &[dot(1, 3), dot(2, 1)]));
        let tokens = format!("{}.{}", key(1, 2).seal(&one), key(1, 2).seal(&two));
        let both = key(1, 2).open_all(tokens.as_bytes()).expect("both are genuine");
        assert_eq!(both, session(9, &[dot(1, 7), dot(2, 1)]));
        assert!(both.covers(&one) && both.covers(&two) && !one.covers(&two) && !two.covers(&one));
        assert_eq!(key(1, 2).open_all(b""), Err(BadToken::Malformed));
        assert_eq!(key(1, 3).open_all(tokens.as_bytes()), Err(BadToken::Forged));
        let many = vec![key(1, 2).seal(&one); MAX_JOINED_TOKENS + 1].join(".");
        assert_eq!(key(1, 2).open_all(many.as_bytes()), Err(BadToken::Malformed));
    }

    #[test]
    fn a_foreign_a_forged_and_a_mangled_token_are_told_apart() {
        let token = key(1, 2).seal(&Session::at(Timestamp(7)));
        assert_eq!(key(3, 2).open(token.as_bytes()), Err(BadToken::Foreign));
        assert_eq!(key(1, 3).open(token.as_bytes()), Err(BadToken::Forged));
        assert_eq!(key(1, 2).open(b""), Err(BadToken::Malformed));
        assert_eq!(key(1, 2).open(b"not a token!"), Err(BadToken::Malformed));
        assert_eq!(key(1, 2).open(&[b'A'; MAX_TOKEN_BYTES + 1]), Err(BadToken::Malformed));
        // Every single changed letter is noticed.
        for at in 0..token.len() {
            let mut changed = token.clone().into_bytes();
            changed[at] = if changed[at] == b'A' { b'B' } else { b'A' };
            assert!(key(1, 2).open(&changed).is_err(), "letter {at}");
        }
    }

    #[test]
    fn the_key_is_never_printed() {
        assert!(!format!("{:?}", key(1, 222)).contains("222"));
    }
}
