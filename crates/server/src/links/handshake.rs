//! The first bytes of a peer connection: who is there, and may they come in. Sans-IO: bytes in, bytes out.
//!
//! ```text
//! byte  0        4      5      6            8
//!       | magic  | ver  | kind | length     | payload (postcard) …
//!       | "QTH1" | u8   | u8   | u16 le     | Hello or Verdict
//!
//! dialler  → Hello                   who I am, what for, a nonce
//!          ← Hello      accepter
//!          → Verdict                 my proof; whether I go on
//!          ← Verdict    accepter     my proof; whether I go on
//! ```
//!
//! The dialler proves itself first, so that an accepter says nothing that a stranger could try passwords against. Without a secret the proofs are empty, and both sides insist on a
//! loopback connection. A refusal is a sentence for both sides. One that says "your data folder is an old copy" ends the other node, so it counts only with a good proof.
//!
//! Invariants: nothing is allocated for what was announced and has not arrived; a payload is at most `MAX_HANDSHAKE_BYTES`; any error closes the connection.

use super::proof::{PROOF_BYTES, Role, Secret};
use bytes::{Buf, BytesMut};
use proto::frame::PROTOCOL_VERSION;
use proto::ids::{ClusterId, Incarnation, NodeId};
use serde::{Deserialize, Serialize};
use std::fmt;

const MAGIC: &[u8; 4] = b"QTH1";
const HEADER_BYTES: usize = 8;
/// The longest payload of a handshake.
pub(crate) const MAX_HANDSHAKE_BYTES: usize = 2048;
const MAX_SENTENCE_BYTES: usize = 1024;
const HELLO: u8 = 1;
const VERDICT: u8 = 2;

/// What a connection is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Purpose {
    /// Frames between two members of one cluster.
    Frames,
    /// Founding messages, whoever they come from.
    Founding,
    /// Orders about faults between two members of one cluster, and their answers.
    Orders,
}

/// Who speaks.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Hello {
    /// Drawn for this connection.
    pub nonce: [u8; 32],
    /// What the dialler connects for; an accepter repeats it.
    pub purpose: Purpose,
    /// The cluster; `None` before it is founded.
    pub cluster: Option<ClusterId>,
    /// The node; 0 before it has an id.
    pub node: NodeId,
    /// The node's start; 0 before the first.
    pub incarnation: Incarnation,
    /// Whom the dialler wants to reach; 0 for whoever is there.
    pub wanted: NodeId,
    /// Whether it has a cluster secret.
    pub has_secret: bool,
}

/// Why one side does not want the other.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum RefusalKind {
    /// Try again later: something may have changed.
    Retry,
    /// One of the two is not part of the cluster yet: it will be in a moment.
    Early,
    /// The refused node runs from an old copy of its data folder: it must not go on.
    OldIncarnation,
}

/// A refusal on the wire, and as the sides report it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Refused {
    /// What the refused node should do.
    pub kind: RefusalKind,
    /// For people.
    pub sentence: String,
}

#[derive(Serialize, Deserialize)]
struct Verdict {
    /// Empty without a secret.
    proof: Vec<u8>,
    refused: Option<Refused>,
}

/// Why a handshake ended without a link.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum HandshakeError {
    /// Not the bytes of a peer.
    Nonsense(&'static str),
    /// A version that this build does not speak.
    Version(u8),
    /// This side does not want the other. Send what is in the output buffer, then close.
    WeRefuse(Refused),
    /// The other side does not want this one; `proven` if it knows the secret (or none is needed).
    TheyRefuse {
        /// Its words.
        refused: Refused,
        /// Whether the words are known to be a peer's.
        proven: bool,
    },
}

impl HandshakeError {
    /// Whether it is only a matter of a moment.
    pub(super) fn is_early(&self) -> bool {
        matches!(
            self,
            HandshakeError::WeRefuse(refused) | HandshakeError::TheyRefuse { refused, .. }
                if refused.kind == RefusalKind::Early
        )
    }
}

impl fmt::Display for HandshakeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            HandshakeError::Nonsense(what) => write!(f, "{what}; is a client talking to the peer port?"),
            HandshakeError::Version(version) => {
                write!(
                    f,
                    "it speaks peer protocol version {version}, this build {PROTOCOL_VERSION}; upgrade the older node"
                )
            }
            HandshakeError::WeRefuse(refused) => write!(f, "refused: {}", refused.sentence),
            HandshakeError::TheyRefuse { refused, .. } => {
                write!(f, "it refused this node: {}", refused.sentence)
            }
        }
    }
}

/// How far it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Progress {
    /// Read on.
    More,
    /// The other side is who it says; what is left in the buffer is its first frame.
    Done(Hello),
}

/// One side of one handshake.
#[derive(Debug)]
pub(crate) struct Handshake {
    role: Role,
    ours: Hello,
    our_bytes: Vec<u8>,
    theirs: Option<(Hello, Vec<u8>)>,
    secret: Option<Secret>,
    is_loopback: bool,
}

impl Handshake {
    /// Begins. A dialler's hello goes to `out` at once.
    pub(crate) fn new(
        role: Role,
        ours: Hello,
        secret: Option<Secret>,
        is_loopback: bool,
        out: &mut BytesMut,
    ) -> Handshake {
        let our_bytes = postcard::to_stdvec(&ours).expect("writing to memory cannot fail");
        let handshake = Handshake { role, ours, our_bytes, theirs: None, secret, is_loopback };
        if role == Role::Dialler {
            put(out, HELLO, &handshake.our_bytes);
        }
        handshake
    }

    /// What the other side says of itself, once that has arrived: not proven before the end.
    pub(super) fn theirs(&self) -> Option<&Hello> {
        self.theirs.as_ref().map(|(hello, _)| hello)
    }

    /// Takes what has arrived. `wanted` judges the other side's hello by what this node knows. On an error `out` may hold a last word.
    pub(crate) fn receive(
        &mut self,
        buffer: &mut BytesMut,
        wanted: impl Fn(&Hello) -> Option<Refused>,
        out: &mut BytesMut,
    ) -> Result<Progress, HandshakeError> {
        while let Some((kind, payload)) = take(buffer)? {
            match (kind, self.theirs.is_some()) {
                (HELLO, false) => self.hello(payload, &wanted, out)?,
                (VERDICT, true) => return self.verdict(&payload, &wanted, out).map(Progress::Done),
                _ => return Err(HandshakeError::Nonsense("a handshake out of order")),
            }
        }
        Ok(Progress::More)
    }

    fn hello(
        &mut self,
        payload: Vec<u8>,
        wanted: &impl Fn(&Hello) -> Option<Refused>,
        out: &mut BytesMut,
    ) -> Result<(), HandshakeError> {
        let theirs: Hello = decode(&payload)?;
        if self.role == Role::Accepter {
            self.ours.purpose = theirs.purpose;
            self.our_bytes = postcard::to_stdvec(&self.ours).expect("writing to memory cannot fail");
            put(out, HELLO, &self.our_bytes);
        }
        let without_secret = self.without_secret(&theirs);
        let may_prove = without_secret.is_none();
        let refused =
            without_secret.or_else(|| if self.role == Role::Dialler { wanted(&theirs) } else { None });
        self.theirs = Some((theirs, payload));
        if self.role == Role::Dialler || refused.is_some() {
            self.say(refused, may_prove, out)?;
        }
        Ok(())
    }

    /// Whether secrets, or the lack of them, keep the two apart.
    fn without_secret(&self, theirs: &Hello) -> Option<Refused> {
        let sentence = match (self.secret.is_some(), theirs.has_secret) {
            (true, false) => {
                "one of the two nodes has no cluster secret; give all nodes the same (--cluster-secret-file or QUARTET_CLUSTER_SECRET)"
            }
            (false, true) => {
                "one of the two nodes has no cluster secret; give all nodes the same (--cluster-secret-file or QUARTET_CLUSTER_SECRET)"
            }
            (false, false) if !self.is_loopback => {
                "without a cluster secret only peers on the same machine are accepted; give all nodes the same secret (--cluster-secret-file or QUARTET_CLUSTER_SECRET)"
            }
            _ => return None,
        };
        Some(Refused { kind: RefusalKind::Retry, sentence: sentence.to_owned() })
    }

    fn verdict(
        &mut self,
        payload: &[u8],
        wanted: &impl Fn(&Hello) -> Option<Refused>,
        out: &mut BytesMut,
    ) -> Result<Hello, HandshakeError> {
        let verdict: Verdict = decode(payload)?;
        let (theirs, _) = self.theirs.clone().expect("a verdict comes after a hello");
        let said = postcard::to_stdvec(&verdict.refused).expect("writing to memory cannot fail");
        let proven = match &self.secret {
            Some(secret) => secret.verify(self.role.other(), self.hellos(), &said, &verdict.proof),
            None => self.is_loopback,
        };
        if let Some(mut refused) = verdict.refused {
            refused.sentence = printable(&refused.sentence);
            return Err(HandshakeError::TheyRefuse { refused, proven });
        }
        let refused = if proven {
            if self.role == Role::Accepter { wanted(&theirs) } else { None }
        } else {
            let sentence = "the two nodes have different cluster secrets; give all nodes the same (--cluster-secret-file or QUARTET_CLUSTER_SECRET)";
            Some(Refused { kind: RefusalKind::Retry, sentence: sentence.to_owned() })
        };
        if self.role == Role::Accepter {
            self.say(refused, proven, out)?;
        } else if let Some(refused) = refused {
            return Err(HandshakeError::WeRefuse(refused));
        }
        Ok(theirs)
    }

    /// Says the verdict; an error if it is a refusal.
    fn say(
        &self,
        refused: Option<Refused>,
        may_prove: bool,
        out: &mut BytesMut,
    ) -> Result<(), HandshakeError> {
        let said = postcard::to_stdvec(&refused).expect("writing to memory cannot fail");
        let proof = match &self.secret {
            Some(secret) if may_prove => secret.prove(self.role, self.hellos(), &said).to_vec(),
            Some(_) => vec![0; PROOF_BYTES],
            None => Vec::new(),
        };
        let verdict = Verdict { proof, refused: refused.clone() };
        put(out, VERDICT, &postcard::to_stdvec(&verdict).expect("writing to memory cannot fail"));
        refused.map_or(Ok(()), |refused| Err(HandshakeError::WeRefuse(refused)))
    }

    fn hellos(&self) -> [&[u8]; 2] {
        let theirs = self.theirs.as_ref().map_or(&[][..], |(_, bytes)| bytes);
        match self.role {
            Role::Dialler => [&self.our_bytes, theirs],
            Role::Accepter => [theirs, &self.our_bytes],
        }
    }
}

fn put(out: &mut BytesMut, kind: u8, payload: &[u8]) {
    let length = u16::try_from(payload.len()).expect("a handshake is short");
    out.extend_from_slice(MAGIC);
    out.extend_from_slice(&[PROTOCOL_VERSION, kind]);
    out.extend_from_slice(&length.to_le_bytes());
    out.extend_from_slice(payload);
}

fn take(buffer: &mut BytesMut) -> Result<Option<(u8, Vec<u8>)>, HandshakeError> {
    let known = buffer.len().min(4);
    if buffer[..known] != MAGIC[..known] {
        return Err(HandshakeError::Nonsense("not a Quartet peer"));
    }
    if buffer.len() < HEADER_BYTES {
        return Ok(None);
    }
    if buffer[4] != PROTOCOL_VERSION {
        return Err(HandshakeError::Version(buffer[4]));
    }
    let length = usize::from(u16::from_le_bytes([buffer[6], buffer[7]]));
    if length > MAX_HANDSHAKE_BYTES {
        return Err(HandshakeError::Nonsense("a handshake of impossible length"));
    }
    if buffer.len() < HEADER_BYTES + length {
        return Ok(None);
    }
    let kind = buffer[5];
    buffer.advance(HEADER_BYTES);
    Ok(Some((kind, buffer.split_to(length).to_vec())))
}

fn decode<T: for<'a> Deserialize<'a>>(payload: &[u8]) -> Result<T, HandshakeError> {
    match postcard::take_from_bytes(payload) {
        Ok((value, [])) => Ok(value),
        _ => Err(HandshakeError::Nonsense("a handshake that makes no sense")),
    }
}

/// A stranger's words, fit for a log.
fn printable(sentence: &str) -> String {
    sentence.chars().take(MAX_SENTENCE_BYTES).map(|c| if c.is_control() { '?' } else { c }).collect()
}

/// Takes bytes as the other side's, in each role, with a secret and without; for the fuzz targets. Nobody is taken in who has no secret.
pub(crate) fn read_all(bytes: &[u8]) {
    for role in [Role::Dialler, Role::Accepter] {
        for secret in [None, Some(Secret::new(b"secret".to_vec()))] {
            let ours = Hello {
                nonce: [9; 32],
                purpose: Purpose::Frames,
                cluster: Some(ClusterId([7; 16])),
                node: NodeId(1),
                incarnation: Incarnation(1),
                wanted: NodeId(2),
                has_secret: secret.is_some(),
            };
            let has_secret = secret.is_some();
            let mut out = BytesMut::new();
            let mut handshake = Handshake::new(role, ours, secret, true, &mut out);
            let mut buffer = BytesMut::new();
            for piece in bytes.chunks(100) {
                buffer.extend_from_slice(piece);
                match handshake.receive(&mut buffer, |_| None, &mut out) {
                    Ok(Progress::More) => {}
                    Ok(Progress::Done(_)) => {
                        assert!(!has_secret, "nobody can prove a secret that only this function knows");
                        break;
                    }
                    Err(error) => {
                        assert!(!error.to_string().is_empty());
                        break;
                    }
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hello(node: u64, secret: bool) -> Hello {
        Hello {
            nonce: [node as u8; 32],
            purpose: Purpose::Frames,
            cluster: Some(ClusterId([7; 16])),
            node: NodeId(node),
            incarnation: Incarnation(1),
            wanted: NodeId(0),
            has_secret: secret,
        }
    }

    type End = Result<Progress, HandshakeError>;

    /// Lets both sides talk until both have an end.
    fn talk(
        secrets: [Option<&str>; 2],
        is_loopback: bool,
        wanted: impl Fn(Role, &Hello) -> Option<Refused>,
    ) -> (End, End) {
        let secret = |at: usize| secrets[at].map(|text| Secret::new(text.into()));
        let (mut to_accepter, mut to_dialler) = (BytesMut::new(), BytesMut::new());
        let mut nobody = BytesMut::new();
        let mut dialler = Handshake::new(
            Role::Dialler,
            hello(1, secrets[0].is_some()),
            secret(0),
            is_loopback,
            &mut to_accepter,
        );
        let mut accepter = Handshake::new(
            Role::Accepter,
            hello(2, secrets[1].is_some()),
            secret(1),
            is_loopback,
            &mut nobody,
        );
        assert!(nobody.is_empty());
        let (mut ends, open) =
            ([None, None], |end: &Option<End>| matches!(end, None | Some(Ok(Progress::More))));
        for _ in 0..4 {
            if open(&ends[1]) {
                ends[1] = Some(accepter.receive(
                    &mut to_accepter,
                    |hello| wanted(Role::Accepter, hello),
                    &mut to_dialler,
                ));
            }
            if open(&ends[0]) {
                ends[0] = Some(dialler.receive(
                    &mut to_dialler,
                    |hello| wanted(Role::Dialler, hello),
                    &mut to_accepter,
                ));
            }
        }
        let [a, b] = ends.map(|end| end.expect("it was asked"));
        (a, b)
    }

    fn everyone(_: Role, _: &Hello) -> Option<Refused> {
        None
    }

    fn refusal(kind: RefusalKind) -> Refused {
        Refused { kind, sentence: "no".into() }
    }

    #[test]
    fn two_nodes_with_one_secret_find_together() {
        let (dialler, accepter) = talk([Some("s"), Some("s")], false, everyone);
        assert!(matches!(dialler, Ok(Progress::Done(hello)) if hello.node == NodeId(2)));
        assert!(matches!(accepter, Ok(Progress::Done(hello)) if hello.node == NodeId(1)));
    }

    #[test]
    fn without_a_secret_only_loopback_will_do() {
        let (dialler, accepter) = talk([None, None], true, everyone);
        assert!(dialler.is_ok() && accepter.is_ok());
        let (dialler, accepter) = talk([None, None], false, everyone);
        assert!(dialler.expect_err("refused").to_string().contains("only peers on the same machine"));
        assert!(accepter.is_err());
    }

    #[test]
    fn different_secrets_are_refused_on_both_sides_and_no_proof_is_handed_to_a_stranger() {
        let (dialler, accepter) = talk([Some("s"), Some("t")], true, everyone);
        assert!(matches!(accepter, Err(HandshakeError::WeRefuse(_))));
        assert!(matches!(dialler, Err(HandshakeError::TheyRefuse { proven: false, .. })));
        let (dialler, accepter) = talk([None, Some("t")], true, everyone);
        assert!(dialler.is_err() && accepter.is_err());
        let (dialler, accepter) = talk([Some("s"), None], true, everyone);
        assert!(dialler.is_err() && accepter.is_err());
    }

    #[test]
    fn a_refusal_is_heard_by_the_other_side_with_its_proof() {
        for refuser in [Role::Dialler, Role::Accepter] {
            let wanted = |role, _: &Hello| (role == refuser).then(|| refusal(RefusalKind::OldIncarnation));
            let (dialler, accepter) = talk([Some("s"), Some("s")], false, wanted);
            let (refused, refusing) =
                if refuser == Role::Dialler { (accepter, dialler) } else { (dialler, accepter) };
            assert_eq!(refusing, Err(HandshakeError::WeRefuse(refusal(RefusalKind::OldIncarnation))));
            let expected =
                HandshakeError::TheyRefuse { refused: refusal(RefusalKind::OldIncarnation), proven: true };
            assert_eq!(refused, Err(expected));
        }
    }

    #[test]
    fn hostile_bytes_are_refused_before_anything_is_kept() {
        let mut out = BytesMut::new();
        for bytes in [
            &b"GET / HTTP/1.1\r\n"[..],
            b"QTH1\x01\x01\xff\xff",
            b"QTH1\x63\x01\x00\x00",
            b"QTH1\x01\x02\x00\x00",
            b"QTH1\x01\x01\x04\x00abcd",
        ] {
            let mut accepter = Handshake::new(Role::Accepter, hello(2, true), None, true, &mut out);
            let end = accepter.receive(&mut BytesMut::from(bytes), |_| None, &mut out);
            assert!(end.is_err(), "{bytes:?} gave {end:?}");
        }
        assert!(out.is_empty());
    }
}
