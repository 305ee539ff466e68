//! The proof that a peer knows the cluster's secret, without saying it.
//!
//! HMAC-SHA256 under the secret, over who speaks (so a proof cannot be sent back to its maker), both hellos as they were on the wire (each with a fresh random nonce, so a
//! proof is good for one connection only), and what is being said with it. It proves who is there when the link is made; it does not encrypt, and it does not
//! protect what follows against somebody who can change packets on the way: put peer links on a network that you trust, or inside a tunnel.

use hmac::{Hmac, Mac};
use sha2::Sha256;
use std::fmt;

/// Bytes of a proof.
pub(crate) const PROOF_BYTES: usize = 32;

/// Which end of a connection speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Role {
    /// The end that connected.
    Dialler,
    /// The end that was connected to.
    Accepter,
}

impl Role {
    /// The end on the other side.
    pub(crate) fn other(self) -> Role {
        match self {
            Role::Dialler => Role::Accepter,
            Role::Accepter => Role::Dialler,
        }
    }
}

/// The cluster's secret. Never printed.
#[derive(Clone)]
pub(crate) struct Secret(Vec<u8>);

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(…)")
    }
}

impl Secret {
    /// From the bytes that the operator chose.
    pub(crate) fn new(bytes: Vec<u8>) -> Secret {
        Secret(bytes)
    }

    fn mac(&self, speaker: Role, hellos: [&[u8]; 2], said: &[u8]) -> Hmac<Sha256> {
        let mut mac = Hmac::<Sha256>::new_from_slice(&self.0).expect("HMAC takes a key of any length");
        mac.update(match speaker {
            Role::Dialler => b"quartet peer link 1: dialler",
            Role::Accepter => b"quartet peer link 1: accepter",
        });
        for part in [hellos[0], hellos[1], said] {
            mac.update(&(part.len() as u64).to_le_bytes());
            mac.update(part);
        }
        mac
    }

    /// The proof that goes with `said`. `hellos`: the dialler's first.
    pub(crate) fn prove(&self, speaker: Role, hellos: [&[u8]; 2], said: &[u8]) -> [u8; PROOF_BYTES] {
        self.mac(speaker, hellos, said).finalize().into_bytes().into()
    }

    /// Whether the proof is right; takes as long whether it is or not.
    pub(crate) fn verify(&self, speaker: Role, hellos: [&[u8]; 2], said: &[u8], proof: &[u8]) -> bool {
        self.mac(speaker, hellos, said).verify_slice(proof).is_ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_proof_holds_for_one_speaker_one_connection_and_one_secret() {
        let secret = Secret::new(b"s3cret".to_vec());
        let proof = secret.prove(Role::Dialler, [b"a", b"b"], b"yes");
        assert!(secret.verify(Role::Dialler, [b"a", b"b"], b"yes", &proof));
        assert!(!secret.verify(Role::Accepter, [b"a", b"b"], b"yes", &proof));
        assert!(!secret.verify(Role::Dialler, [b"ab", b""], b"yes", &proof));
        assert!(!secret.verify(Role::Dialler, [b"a", b"b"], b"no", &proof));
        assert!(!secret.verify(Role::Dialler, [b"a", b"b"], b"yes", &proof[..31]));
        assert!(!Secret::new(b"other".to_vec()).verify(Role::Dialler, [b"a", b"b"], b"yes", &proof));
        assert!(!format!("{secret:?}").contains("s3cret"));
    }
}
