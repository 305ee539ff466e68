//! The first words on a connection.

use super::Failed;
use bytes::Bytes;
use proto::reply::Reply;

/// What a body says first on every connection.
pub fn greeting(password: Option<&str>) -> Vec<Bytes> {
    let mut words = vec![Bytes::from_static(b"HELLO"), Bytes::from_static(b"3")];
    if let Some(password) = password {
        words.extend([Bytes::from_static(b"AUTH"), Bytes::from_static(b"default")]);
        words.push(Bytes::copy_from_slice(password.as_bytes()));
    }
    words
}

/// Whether the reply to the greeting lets us in.
///
/// # Errors
/// `Denied` where trying again would be in vain (the password), else `NotSent`; with what the node said.
pub fn greeted(reply: &Reply) -> Result<(), (Failed, String)> {
    match reply {
        Reply::Error(text) => {
            let denied =
                ["WRONGPASS", "NOAUTH", "NOPROTO", "NOPERM"].iter().any(|word| text.starts_with(word));
            Err((if denied { Failed::Denied } else { Failed::NotSent }, text.clone()))
        }
        _ => Ok(()),
    }
}
