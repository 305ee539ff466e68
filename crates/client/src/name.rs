//! The 128 random bits that name a client: drawn here, by the bodies, because the core draws nothing.

use crate::error::{Error, ErrorKind};

/// Bits that no other client has drawn.
pub(crate) fn random_name() -> Result<u128, Error> {
    let mut bytes = [0; 16];
    getrandom::fill(&mut bytes)
        .map_err(|error| Error::new(ErrorKind::Closed, format!("the system gave no random bits: {error}")))?;
    Ok(u128::from_be_bytes(bytes))
}
