//! What a node's reply means for the call: over, again, elsewhere, or not known.
//!
//! The words are those of `docs/redis.md`. An error word that is not known here ends the call as it is: repeating what nobody
//! understands helps nobody.

use crate::answer::Answer;
use crate::error::ErrorKind;
use proto::ids::Slot;
use proto::reply::Reply;

/// What to make of a reply.
#[derive(Debug, PartialEq)]
pub(crate) enum Verdict {
    /// From the state: the answer.
    Final(Answer),
    /// From the state: it said no.
    Refused(String),
    /// Over, with an error that the state did not give.
    Error(ErrorKind, String),
    /// Nothing was applied; the same node may know better soon.
    Retry(String),
    /// No replica that this node reaches is new enough.
    Behind(String),
    /// Nothing was applied, and this node will not do it.
    Elsewhere(String),
    /// The slot is led there.
    Moved(Slot, String),
    /// Handed over, fate not known.
    Unknown(String),
}

/// Judges a reply. `wrapped`: it answers `WITH … META DO …`, so success is a pair.
pub(crate) fn judge(reply: Reply, wrapped: bool) -> Verdict {
    let text = match reply {
        Reply::Error(text) => text,
        reply => {
            return match Answer::from_reply(reply, wrapped) {
                // The command's own error may come inside the pair.
                Ok(Answer { reply: Reply::Error(text), .. }) => judge_error(text),
                Ok(answer) => Verdict::Final(answer),
                Err(message) => Verdict::Unknown(message),
            };
        }
    };
    judge_error(text)
}

fn judge_error(text: String) -> Verdict {
    let (word, rest) = text.split_once(' ').unwrap_or((&text, ""));
    match word {
        "UNKNOWN" => Verdict::Unknown(text),
        "MOVED" => match moved(rest) {
            Some((slot, address)) => Verdict::Moved(slot, address),
            None => Verdict::Elsewhere(text),
        },
        "TRYAGAIN" | "BUSY" => Verdict::Retry(text),
        "BEHIND" => Verdict::Behind(text),
        // It may be the node: stopping, or cut off from a quorum that others reach.
        "CLUSTERDOWN" | "NOQUORUM" | "LOADING" | "MASTERDOWN" => Verdict::Elsewhere(text),
        "ERR" if rest.starts_with("max number of clients") => Verdict::Elsewhere(text),
        "ERR" if is_of_the_request(rest) => Verdict::Error(ErrorKind::Invalid, text),
        "NOAUTH" | "WRONGPASS" | "NOPERM" | "NOPROTO" | "CROSSSLOT" | "LEVEL" => {
            Verdict::Error(ErrorKind::Invalid, text)
        }
        // A number below the window was not applied now; it may have been long ago.
        "ERR" if rest.starts_with("expired:") => Verdict::Error(ErrorKind::Unknown, text),
        // The leader refuses before it proposes: an earlier try may still be on its way, so this is not the state's word.
        "OOM" | "DISKFULL" => Verdict::Error(ErrorKind::Refused, text),
        _ => Verdict::Refused(text),
    }
}

/// `ERR` texts that find fault with the words and not with the data.
fn is_of_the_request(rest: &str) -> bool {
    const BEGINNINGS: [&str; 11] = [
        "unknown command",
        "unknown subcommand",
        "wrong number of arguments",
        "syntax error",
        "not supported yet",
        "Protocol error",
        "invalid expire time",
        "invalid cursor",
        "this is no session token",
        "this session token",
        "ACKS ",
    ];
    BEGINNINGS.iter().any(|beginning| rest.starts_with(beginning))
        || rest.contains("too long")
        || rest.contains("too large")
}

/// `3999 127.0.0.1:6381`
fn moved(rest: &str) -> Option<(Slot, String)> {
    let (slot, address) = rest.split_once(' ')?;
    Some((Slot(slot.parse().ok()?), address.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn error(text: &str) -> Verdict {
        judge(Reply::error(text), false)
    }

    #[test]
    fn each_word_has_its_consequence() {
        assert!(matches!(error("UNKNOWN maybe"), Verdict::Unknown(_)));
        assert!(matches!(error("CLUSTERDOWN no leader"), Verdict::Elsewhere(_)));
        assert!(matches!(error("TRYAGAIN busy"), Verdict::Retry(_)));
        assert!(matches!(error("ERR expired: long ago"), Verdict::Error(ErrorKind::Unknown, _)));
        assert!(matches!(error("BEHIND try again"), Verdict::Behind(_)));
        assert!(matches!(
            error("ERR this session token is of another cluster"),
            Verdict::Error(ErrorKind::Invalid, _)
        ));
        assert!(matches!(
            error("ERR ACKS asks for more nodes than replicate the shard"),
            Verdict::Error(ErrorKind::Invalid, _)
        ));
        assert!(matches!(error("LOADING"), Verdict::Elsewhere(_)));
        assert_eq!(error("MOVED 7 h:1"), Verdict::Moved(Slot(7), "h:1".to_owned()));
        assert!(matches!(error("MOVED nonsense"), Verdict::Elsewhere(_)));
        assert!(matches!(error("ERR syntax error"), Verdict::Error(ErrorKind::Invalid, _)));
        assert!(matches!(error("ERR value is not an integer or out of range"), Verdict::Refused(_)));
        assert!(matches!(error("WRONGTYPE …"), Verdict::Refused(_)));
        assert!(matches!(error("OOM …"), Verdict::Error(ErrorKind::Refused, _)));
    }
}
