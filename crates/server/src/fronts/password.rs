//! The one password of all clients.
//!
//! Kept as its SHA-256, and compared in a time that does not depend on where a wrong one differs.

use sha2::{Digest, Sha256};
use std::fmt;

/// What a client must know. Never printed.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Password([u8; 32]);

impl fmt::Debug for Password {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Password(…)")
    }
}

impl Password {
    /// From the bytes that the operator chose.
    pub(crate) fn new(password: &[u8]) -> Password {
        Password(Sha256::digest(password).into())
    }

    /// Whether these are the bytes.
    pub(crate) fn is(&self, attempt: &[u8]) -> bool {
        let attempt: [u8; 32] = Sha256::digest(attempt).into();
        self.0.iter().zip(attempt).fold(0, |differences, (a, b)| differences | (a ^ b)) == 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_password_is_the_password() {
        let password = Password::new(b"open sesame");
        assert!(password.is(b"open sesame"));
        assert!(!password.is(b"open sesamf") && !password.is(b"") && !password.is(b"open sesame "));
    }
}
