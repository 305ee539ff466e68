//! What the headers and the query of a request ask for: level, session, staleness, deadline, a number, conditions, time to live.
//!
//! Every option can be said in a header or in the query (for curl); said in both and differently is an error, and so is anything that this version does not know, because an
//! option that is silently dropped changes what a request means.

use super::problem::Problem;
use axum::http::{HeaderMap, Uri};
use bytes::Bytes;
use percent_encoding::percent_decode_str;
use proto::command::{Command, InSession, Request};
use proto::commands::client_number;
use proto::commands::consistency::acks;
use proto::hlc::Timestamp;
use proto::level::Ladder;
use proto::limits::{MAX_CLIENT_NAME_BYTES, MAX_DEADLINE_MS, MAX_REPLICAS};
use proto::log_entry::ClientNumber;
use proto::ops::{Condition, SetExpiry};
use std::time::Duration;

/// The longest time to live: a thousand years, in milliseconds.
const MAX_TTL_MS: u64 = 1000 * 366 * 24 * 3600 * 1000;

/// Options of one request.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Options {
    /// From If-Match or If-None-Match.
    pub condition: Condition,
    /// From `ttl`.
    pub expiry: SetExpiry,
    /// From Consistency; `None` means that no level was named.
    pub ladder: Option<Ladder>,
    /// From Session; its token is the node's to read.
    pub session: InSession,
    /// From Max-Staleness.
    pub max_staleness_ms: Option<u64>,
    /// From Deadline.
    pub deadline_ms: Option<u64>,
    /// From Acks.
    pub acks: Option<u8>,
    /// From Idempotency-Key.
    pub client: Option<ClientNumber>,
}

const TWINS: [(&str, &str); 9] = [
    ("consistency", "consistency"),
    ("session", "session"),
    ("max-staleness", "max_staleness"),
    ("deadline", "deadline"),
    ("acks", "acks"),
    ("idempotency-key", "idempotency_key"),
    ("if-match", "if_match"),
    ("if-none-match", "if_none_match"),
    ("ttl", "ttl"),
];

impl Options {
    /// From a request's headers and query.
    pub(super) fn read(headers: &HeaderMap, uri: &Uri) -> Result<Options, Problem> {
        let mut said: [Option<String>; TWINS.len()] = Default::default();
        for (place, (header, _)) in said.iter_mut().zip(TWINS) {
            if header == "ttl" {
                continue; // only in the query: no header of that name is ours
            }
            let values: Vec<_> = headers.get_all(header).iter().collect();
            if !values.is_empty() {
                let texts: Result<Vec<&str>, _> = values.iter().map(|value| value.to_str()).collect();
                let texts = texts
                    .map_err(|_| Problem::bad_request("bad_header", format!("{header} is not plain text")))?;
                *place = Some(texts.join(", ").trim().to_owned());
            }
        }
        let mut seen_in_query = [false; TWINS.len()];
        for pair in uri.query().unwrap_or_default().split('&').filter(|pair| !pair.is_empty()) {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            let Some(at) = TWINS.iter().position(|(_, twin)| *twin == name) else {
                let shown: String = name.chars().take(64).collect();
                return Err(Problem::bad_request(
                    "unknown_parameter",
                    format!("the query has no parameter {shown:?}"),
                ));
            };
            let value = percent_decode_str(value)
                .decode_utf8()
                .map_err(|_| Problem::bad_request("bad_parameter", format!("{name} is not UTF-8")))?;
            let value = value.trim().to_owned();
            if std::mem::replace(&mut seen_in_query[at], true)
                || said[at].as_ref().is_some_and(|said| *said != value)
            {
                return Err(Problem::bad_request(
                    "contradiction",
                    format!("{name} is said twice, in header and query or twice in one, and not the same"),
                ));
            }
            said[at] = Some(value);
        }
        let [consistency, session, max_staleness, deadline, acks, number, if_match, if_none_match, ttl] =
            said;
        let waiting = |what, text: Option<String>| {
            text.map(|text| span(what, &text, None, MAX_DEADLINE_MS)).transpose()
        };
        Ok(Options {
            ladder: consistency.map(|text| ladder(&text)).transpose()?,
            session: session.map_or(InSession::Connection, |token| InSession::Token(Bytes::from(token))),
            max_staleness_ms: waiting("Max-Staleness", max_staleness)?,
            deadline_ms: waiting("Deadline", deadline)?,
            acks: acks.map(|text| nodes(&text)).transpose()?,
            client: number.map(numbered).transpose()?,
            condition: condition(if_match.as_deref(), if_none_match.as_deref())?,
            expiry: match ttl {
                None => SetExpiry::Never,
                Some(ttl) => SetExpiry::AfterMs(span("ttl", &ttl, Some(1000), MAX_TTL_MS)?),
            },
        })
    }

    /// The request that these options and a command make.
    pub(super) fn request(&self, command: Command) -> Request {
        Request {
            command,
            ladder: self.ladder.unwrap_or_default(),
            max_staleness_ms: self.max_staleness_ms,
            session: self.session.clone(),
            wants_token: true,
            deadline_ms: self.deadline_ms,
            level_chosen: self.ladder.is_some(),
            acks: self.acks,
            client: self.client.clone(),
        }
    }

    /// Refuses what only a write can have.
    pub(super) fn of_a_read(&self) -> Result<(), Problem> {
        self.without_expiry()?;
        match self.client {
            None => Ok(()),
            Some(_) => {
                Err(Problem::bad_request("unknown_parameter", "Idempotency-Key belongs to PUT and DELETE"))
            }
        }
    }

    /// Refuses what only PUT can have.
    pub(super) fn without_expiry(&self) -> Result<(), Problem> {
        match self.expiry {
            SetExpiry::Never => Ok(()),
            _ => Err(Problem::bad_request("unknown_parameter", "ttl belongs to PUT")),
        }
    }
}

fn ladder(text: &str) -> Result<Ladder, Problem> {
    Ladder::parse(text.as_bytes()).map_err(|bad| Problem::bad_request("level", bad.0))
}

fn nodes(text: &str) -> Result<u8, Problem> {
    acks(text.as_bytes()).map_err(|_| {
        Problem::bad_request(
            "bad_acks",
            format!("Acks wants the number of nodes that hold a tentative write before the answer, from 1 to {MAX_REPLICAS}"),
        )
    })
}

fn numbered(text: String) -> Result<ClientNumber, Problem> {
    client_number(&Bytes::from(text)).map_err(|_| {
        Problem::bad_request(
            "bad_idempotency_key",
            format!("Idempotency-Key wants client:number, the client's name at most {MAX_CLIENT_NAME_BYTES} bytes, the number from 1 and rising"),
        )
    })
}

fn condition(if_match: Option<&str>, if_none_match: Option<&str>) -> Result<Condition, Problem> {
    match (if_match, if_none_match) {
        (None, None) => Ok(Condition::Always),
        (Some("*"), None) => Ok(Condition::Present),
        (None, Some("*")) => Ok(Condition::Absent),
        (Some(tags), None) => Ok(Condition::AnyVersion(versions("If-Match", tags, false)?)),
        (None, Some(tags)) => Ok(Condition::NoVersion(versions("If-None-Match", tags, true)?)),
        (Some(_), Some(_)) => {
            Err(Problem::bad_request("contradiction", "If-Match and If-None-Match cannot stand together"))
        }
    }
}

/// The versions of a list of entity tags. A tag that is not one of ours matches nothing; a weak one only where weak comparison is allowed. In the query the quotes may be left out.
fn versions(header: &str, tags: &str, weak_counts: bool) -> Result<Vec<Timestamp>, Problem> {
    let mut versions = Vec::new();
    for tag in tags.split(',').map(str::trim) {
        let (tag, is_weak) = tag.strip_prefix("W/").map_or((tag, false), |tag| (tag, true));
        let inner = tag.strip_prefix('"').and_then(|tag| tag.strip_suffix('"')).unwrap_or(tag);
        if inner.is_empty() || inner.contains('"') {
            return Err(Problem::bad_request(
                "bad_condition",
                format!("{header} wants * or quoted versions, as ETag gives them"),
            ));
        }
        if let Ok(version) = inner.parse()
            && (!is_weak || weak_counts)
        {
            versions.push(Timestamp(version));
        }
    }
    Ok(versions)
}

/// A span such as `500ms`, `10s`, `5m` or `2h`, in milliseconds. A bare number counts in units of `bare_ms` if that is allowed.
fn span(what: &str, text: &str, bare_ms: Option<u64>, longest_ms: u64) -> Result<u64, Problem> {
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let unit_ms = match &text[digits..] {
        "ms" => Some(1),
        "s" => Some(1000),
        "m" => Some(60 * 1000),
        "h" => Some(3600 * 1000),
        "" => bare_ms,
        _ => None,
    };
    let ms =
        text[..digits].parse::<u64>().ok().zip(unit_ms).and_then(|(number, unit)| number.checked_mul(unit));
    ms.filter(|ms| (1..=longest_ms).contains(ms)).ok_or_else(|| {
        let longest = Duration::from_millis(longest_ms).as_secs();
        Problem::bad_request(
            "bad_span",
            format!("{what} wants a span such as 500ms or 10s, more than 0 and at most {longest}s"),
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::http::HeaderValue;

    fn read(headers: &[(&'static str, &'static str)], uri: &'static str) -> Result<Options, &'static str> {
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            map.append(*name, HeaderValue::from_static(value));
        }
        Options::read(&map, &Uri::from_static(uri)).map_err(|problem| problem.code)
    }

    #[test]
    fn conditions_come_from_headers_or_query_but_not_both_ways() {
        let any = |versions: &[u64]| Condition::AnyVersion(versions.iter().map(|v| Timestamp(*v)).collect());
        assert_eq!(read(&[], "/kvs/k").map(|o| o.condition), Ok(Condition::Always));
        assert_eq!(read(&[("if-match", "*")], "/kvs/k").map(|o| o.condition), Ok(Condition::Present));
        assert_eq!(read(&[("if-match", "\"7\", \"8\"")], "/k").map(|o| o.condition), Ok(any(&[7, 8])));
        assert_eq!(read(&[("if-match", "W/\"7\", \"x\"")], "/k").map(|o| o.condition), Ok(any(&[])));
        assert_eq!(read(&[], "/k?if_match=7").map(|o| o.condition), Ok(any(&[7])));
        assert_eq!(read(&[("if-none-match", "*")], "/k").map(|o| o.condition), Ok(Condition::Absent));
        assert_eq!(read(&[("if-match", "\"7\"")], "/k?if_match=8"), Err("contradiction"));
        assert_eq!(read(&[("if-match", "*"), ("if-none-match", "*")], "/k"), Err("contradiction"));
        assert_eq!(read(&[("if-match", "\"\"")], "/k"), Err("bad_condition"));
    }

    #[test]
    fn weak_levels_and_acks_are_read() {
        let asked = read(&[("consistency", "linearizable;50ms, causal")], "/k?acks=2").expect("good");
        let request = asked.request(Command::DbSize);
        assert_eq!(
            (request.ladder.to_string().as_str(), request.acks),
            ("linearizable;50ms, causal", Some(2))
        );
        for bad in ["0", "8", "two"] {
            assert_eq!(read(&[("acks", bad)], "/k"), Err("bad_acks"), "{bad}");
        }
    }

    #[test]
    fn spans_have_units_and_bounds() {
        assert_eq!(read(&[], "/k?ttl=10").map(|o| o.expiry), Ok(SetExpiry::AfterMs(10_000)));
        assert_eq!(read(&[], "/k?ttl=500ms").map(|o| o.expiry), Ok(SetExpiry::AfterMs(500)));
        assert_eq!(read(&[("deadline", "200ms")], "/k").map(|o| o.deadline_ms), Ok(Some(200)));
        assert_eq!(read(&[("deadline", "200ms")], "/k?deadline=200ms").map(|o| o.deadline_ms), Ok(Some(200)));
        assert_eq!(read(&[("deadline", "200ms")], "/k?deadline=1s"), Err("contradiction"));
        for bad in [
            "/k?ttl=0",
            "/k?ttl=-1",
            "/k?ttl=x",
            "/k?ttl=99999999999999999999",
            "/k?deadline=5",
            "/k?deadline=2h",
        ] {
            assert_eq!(read(&[], bad), Err("bad_span"), "{bad}");
        }
    }

    #[test]
    fn nothing_is_silently_ignored() {
        assert_eq!(read(&[], "/k?tll=10"), Err("unknown_parameter"));
        assert_eq!(read(&[("consistency", "causal, linearizable")], "/k"), Err("level"));
        assert_eq!(read(&[("consistency", "strong")], "/k"), Err("level"));
        assert_eq!(read(&[("idempotency-key", "a")], "/k"), Err("bad_idempotency_key"));
    }

    #[test]
    fn a_level_and_a_session_have_twins() {
        let of = |options: Options| options.request(Command::DbSize);
        let said = of(read(&[("consistency", "linearizable;50ms, sequential"), ("session", "abc")], "/k")
            .expect("good"));
        let asked =
            of(read(&[], "/k?consistency=linearizable;50ms,%20sequential&session=abc").expect("good"));
        assert_eq!(said, asked);
        assert_eq!(said.ladder.to_string(), "linearizable;50ms, sequential");
        assert_eq!(said.session, InSession::Token("abc".into()));
        assert!(said.level_chosen && said.wants_token);
        assert!(!of(read(&[], "/k").expect("good")).level_chosen);
        let stale = |headers: &[_], uri| read(headers, uri).map(|options| options.max_staleness_ms);
        assert_eq!(stale(&[("max-staleness", "2s")], "/k"), Ok(Some(2_000)));
        assert_eq!(stale(&[("max-staleness", "2s")], "/k?max_staleness=500ms"), Err("contradiction"));
        assert_eq!(stale(&[], "/k?max_staleness=0ms"), Err("bad_span"));
        let number =
            read(&[], "/k?idempotency_key=me:7").map(|options| options.client.map(|client| client.number));
        assert_eq!(number, Ok(Some(7)));
        assert!(read(&[("idempotency-key", "me:7")], "/k").expect("good").of_a_read().is_err());
    }
}
