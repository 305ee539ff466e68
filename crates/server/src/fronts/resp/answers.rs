//! From an outcome to the reply that a client sees: error words, and what was achieved where the client asked for it.

use observe::metrics::OutcomeClass;
use proto::error::{ErrorKind, Failure};
use proto::outcome::{Achieved, Certificate, Outcome};
use proto::reply::Reply;

/// How a client wants an answer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Wish {
    /// With what was achieved (`WITH … META`).
    pub meta: bool,
    /// Somebody named a level, the client or its listener: a lost quorum is then NOQUORUM, else CLUSTERDOWN, which Redis clients retry by themselves.
    pub level_chosen: bool,
}

/// The reply, and what metrics call it.
pub(super) fn reply_to(outcome: Outcome, achieved: &Achieved, wish: Wish) -> (Reply, OutcomeClass) {
    match outcome {
        Outcome::Done { reply, certificate } => {
            let class = if reply.is_error() { OutcomeClass::Error } else { OutcomeClass::Ok };
            let meta = || metadata(&certificate, achieved);
            (if wish.meta { Reply::Array(vec![reply, meta()]) } else { reply }, class)
        }
        Outcome::Failed(failure) => (error_reply(&failure, wish.level_chosen), class_of(failure.kind)),
    }
}

/// What metrics call a failure.
pub(crate) fn class_of(kind: ErrorKind) -> OutcomeClass {
    match kind {
        ErrorKind::Unknown => OutcomeClass::Unknown,
        ErrorKind::Invalid | ErrorKind::Level | ErrorKind::Expired => OutcomeClass::Error,
        ErrorKind::NoQuorum
        | ErrorKind::Behind
        | ErrorKind::Retry
        | ErrorKind::OutOfMemory
        | ErrorKind::DiskFull
        | ErrorKind::Closed => OutcomeClass::Refused,
    }
}

/// A failure with the first word that clients match on.
pub(super) fn error_reply(failure: &Failure, level_chosen: bool) -> Reply {
    let message = &failure.message;
    Reply::error(match failure.kind {
        ErrorKind::Invalid => format!("ERR {message}"),
        ErrorKind::NoQuorum if level_chosen => format!("NOQUORUM {message}"),
        ErrorKind::NoQuorum | ErrorKind::Closed => format!("CLUSTERDOWN {message}"),
        ErrorKind::Level => format!("LEVEL {message}"),
        ErrorKind::Behind => format!("BEHIND {message}"),
        ErrorKind::Retry => format!("TRYAGAIN {message}"),
        ErrorKind::OutOfMemory => "OOM command not allowed when used memory > 'maxmemory'.".to_owned(),
        ErrorKind::DiskFull => format!("DISKFULL {message}"),
        ErrorKind::Expired => format!("ERR expired: {message}"),
        ErrorKind::Unknown => format!("UNKNOWN {message}"),
    })
}

/// `{level, token, age_ms, state, node, version, as_of, dot, dots}`. The dot is a tentative write's own operation, under which the conflict log names it; the dots are those that the answer rests on and that are not known to be decided.
fn metadata(certificate: &Certificate, achieved: &Achieved) -> Reply {
    let number = |value: u64| Reply::Int(i64::try_from(value).unwrap_or(i64::MAX));
    let pair = |name: &'static str, value| (Reply::bulk(name), value);
    Reply::Map(vec![
        pair("level", Reply::bulk(achieved.level.name())),
        pair("token", achieved.token.clone().map_or(Reply::Nil, Reply::bulk)),
        pair("age_ms", number(achieved.age_ms)),
        pair("state", Reply::bulk(achieved.state.name())),
        pair("node", number(certificate.served_by.0)),
        pair("version", number(certificate.version.0)),
        pair("as_of", number(certificate.as_of.0)),
        pair("dot", achieved.dot.map_or(Reply::Nil, |dot| Reply::bulk(dot.to_string()))),
        pair("dots", Reply::Array(achieved.dots.iter().map(|dot| Reply::bulk(dot.to_string())).collect())),
    ])
}

#[cfg(test)]
mod tests {
    use super::*;
    use proto::ids::NodeId;
    use proto::level::Level;
    use proto::outcome::State;
    use proto::tentative::{Dot, Dots, Origin};

    #[test]
    fn each_kind_of_failure_has_the_word_that_clients_know() {
        let word = |kind, level_chosen| {
            let wish = Wish { meta: true, level_chosen };
            let (reply, _) = reply_to(Outcome::Failed(Failure::new(kind, "why")), &Achieved::default(), wish);
            match reply {
                Reply::Error(text) => text.split(' ').next().unwrap_or_default().to_owned(),
                other => panic!("no error: {other:?}"),
            }
        };
        assert_eq!(word(ErrorKind::NoQuorum, true), "NOQUORUM");
        assert_eq!(word(ErrorKind::NoQuorum, false), "CLUSTERDOWN");
        assert_eq!(word(ErrorKind::Behind, true), "BEHIND");
        assert_eq!(word(ErrorKind::Unknown, false), "UNKNOWN");
        assert_eq!(word(ErrorKind::Retry, false), "TRYAGAIN");
        assert_eq!(word(ErrorKind::OutOfMemory, false), "OOM");
        assert_eq!(word(ErrorKind::Level, true), "LEVEL");
        assert_eq!(word(ErrorKind::Invalid, true), "ERR");
        assert_eq!(word(ErrorKind::Closed, true), "CLUSTERDOWN");
    }

    #[test]
    fn what_was_achieved_is_told_only_when_asked_for() {
        let done = || Outcome::Done { reply: Reply::OK, certificate: Certificate::default() };
        let achieved = Achieved {
            level: Level::Causal,
            state: State::Tentative,
            dot: Some(Dot { origin: Origin::first_of(NodeId(2)), number: 5 }),
            dots: Dots::from_iter([Dot { origin: Origin::first_of(NodeId(2)), number: 5 }]),
            age_ms: 7,
            token: Some("t".to_owned()),
        };
        assert_eq!(reply_to(done(), &achieved, Wish::default()), (Reply::OK, OutcomeClass::Ok));
        let (reply, _) = reply_to(done(), &achieved, Wish { meta: true, level_chosen: true });
        let Reply::Array(parts) = reply else { panic!("no pair") };
        let Reply::Map(meta) = &parts[1] else { panic!("no map") };
        let told = |name: &'static str| {
            meta.iter().find(|(key, _)| *key == Reply::bulk(name)).map(|(_, value)| value)
        };
        assert_eq!(parts[0], Reply::OK);
        assert_eq!(told("level"), Some(&Reply::bulk("causal")));
        assert_eq!(told("token"), Some(&Reply::bulk("t")));
        assert_eq!(told("age_ms"), Some(&Reply::Int(7)));
        assert_eq!(told("state"), Some(&Reply::bulk("tentative")));
        assert_eq!(told("dot"), Some(&Reply::bulk("n2.0.1:5")));
        assert_eq!(told("dots"), Some(&Reply::Array(vec![Reply::bulk("n2.0.1:5")])));
    }
}
