//! From an outcome to the reply that a client sees: error words, and the certificate where the client asked for it.

use observe::metrics::OutcomeClass;
use proto::error::{ErrorKind, Failure};
use proto::outcome::{Certificate, Outcome};
use proto::reply::Reply;

/// How a client wants an answer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Wish {
    /// With its certificate (`WITH … META`).
    pub meta: bool,
    /// It named a level: a lost quorum is then NOQUORUM, else CLUSTERDOWN, which Redis clients retry by themselves.
    pub level_chosen: bool,
}

/// The reply, and what metrics call it.
pub(super) fn reply_to(outcome: Outcome, wish: Wish) -> (Reply, OutcomeClass) {
    match outcome {
        Outcome::Done { reply, certificate } => {
            let class = if reply.is_error() { OutcomeClass::Error } else { OutcomeClass::Ok };
            (if wish.meta { Reply::Array(vec![reply, metadata(&certificate)]) } else { reply }, class)
        }
        Outcome::Failed(failure) => (error_reply(&failure, wish.level_chosen), class_of(failure.kind)),
    }
}

/// What metrics call a failure.
pub(crate) fn class_of(kind: ErrorKind) -> OutcomeClass {
    match kind {
        ErrorKind::Unknown => OutcomeClass::Unknown,
        ErrorKind::Invalid | ErrorKind::Expired => OutcomeClass::Error,
        ErrorKind::NoQuorum | ErrorKind::Retry | ErrorKind::OutOfMemory | ErrorKind::Closed => {
            OutcomeClass::Refused
        }
    }
}

/// A failure with the first word that clients match on.
pub(super) fn error_reply(failure: &Failure, level_chosen: bool) -> Reply {
    let message = &failure.message;
    Reply::error(match failure.kind {
        ErrorKind::Invalid => format!("ERR {message}"),
        ErrorKind::NoQuorum if level_chosen => format!("NOQUORUM {message}"),
        ErrorKind::NoQuorum | ErrorKind::Closed => format!("CLUSTERDOWN {message}"),
        ErrorKind::Retry => format!("TRYAGAIN {message}"),
        ErrorKind::OutOfMemory => "OOM command not allowed when used memory > 'maxmemory'.".to_owned(),
        ErrorKind::Expired => format!("ERR expired: {message}"),
        ErrorKind::Unknown => format!("UNKNOWN {message}"),
    })
}

/// `{level, token, age_ms, state, node, version, as_of}`. There are no session tokens yet, and a linearizable answer has no age.
fn metadata(certificate: &Certificate) -> Reply {
    let number = |value: u64| Reply::Int(i64::try_from(value).unwrap_or(i64::MAX));
    let pair = |name: &'static str, value| (Reply::bulk(name), value);
    Reply::Map(vec![
        pair("level", Reply::bulk("linearizable")),
        pair("token", Reply::Nil),
        pair("age_ms", Reply::Nil),
        pair("state", Reply::bulk("committed")),
        pair("node", number(certificate.served_by.0)),
        pair("version", number(certificate.version.0)),
        pair("as_of", number(certificate.as_of.0)),
    ])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_kind_of_failure_has_the_word_that_clients_know() {
        let word = |kind, level_chosen| {
            let wish = Wish { meta: true, level_chosen };
            let (reply, _) = reply_to(Outcome::Failed(Failure::new(kind, "why")), wish);
            match reply {
                Reply::Error(text) => text.split(' ').next().unwrap_or_default().to_owned(),
                other => panic!("no error: {other:?}"),
            }
        };
        assert_eq!(word(ErrorKind::NoQuorum, true), "NOQUORUM");
        assert_eq!(word(ErrorKind::NoQuorum, false), "CLUSTERDOWN");
        assert_eq!(word(ErrorKind::Unknown, false), "UNKNOWN");
        assert_eq!(word(ErrorKind::Retry, false), "TRYAGAIN");
        assert_eq!(word(ErrorKind::OutOfMemory, false), "OOM");
        assert_eq!(word(ErrorKind::Invalid, true), "ERR");
        assert_eq!(word(ErrorKind::Closed, true), "CLUSTERDOWN");
    }

    #[test]
    fn a_certificate_comes_only_when_asked_for() {
        let done = || Outcome::Done { reply: Reply::OK, certificate: Certificate::default() };
        assert_eq!(reply_to(done(), Wish::default()), (Reply::OK, OutcomeClass::Ok));
        let (reply, _) = reply_to(done(), Wish { meta: true, level_chosen: true });
        assert!(
            matches!(reply, Reply::Array(parts) if parts[0] == Reply::OK && matches!(parts[1], Reply::Map(_)))
        );
    }
}
