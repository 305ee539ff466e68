//! What the headers and the query of a request ask for: conditions, time to live, deadline, level.
//!
//! Every option can be said in a header or in the query (for curl); said in both and differently is an error, and so is anything that this version does not know, because an
//! option that is silently dropped changes what a request means.

use super::problem::Problem;
use axum::http::{HeaderMap, Uri};
use percent_encoding::percent_decode_str;
use proto::commands::level;
use proto::hlc::Timestamp;
use proto::limits::MAX_DEADLINE_MS;
use proto::ops::{Condition, SetExpiry};
use proto::reply::Reply;
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
    /// From Deadline.
    pub deadline_ms: Option<u64>,
    /// Whether the client named a level.
    pub level_chosen: bool,
}

const TWINS: [(&str, &str); 5] = [
    ("consistency", "consistency"),
    ("deadline", "deadline"),
    ("if-match", "if_match"),
    ("if-none-match", "if_none_match"),
    ("ttl", "ttl"),
];
const LATER: [&str; 3] = ["session", "max-staleness", "idempotency-key"];

impl Options {
    /// From a request's headers and query.
    pub(super) fn read(headers: &HeaderMap, uri: &Uri) -> Result<Options, Problem> {
        let mut said: [Option<String>; 5] = Default::default();
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
        if let Some(later) = LATER.iter().find(|later| headers.contains_key(**later)) {
            return Err(Problem::bad_request(
                "not_supported",
                format!("the header {later} is not supported yet"),
            ));
        }
        let mut seen_in_query = [false; 5];
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
        let [consistency, deadline, if_match, if_none_match, ttl] = said;
        if let Some(consistency) = &consistency {
            level(consistency.as_bytes()).map_err(|refusal| match refusal {
                Reply::Error(text) => Problem::bad_request("level", text),
                _ => Problem::bad_request("level", "an unknown consistency level"),
            })?;
        }
        Ok(Options {
            condition: condition(if_match.as_deref(), if_none_match.as_deref())?,
            expiry: match ttl {
                None => SetExpiry::Never,
                Some(ttl) => SetExpiry::AfterMs(span("ttl", &ttl, Some(1000), MAX_TTL_MS)?),
            },
            deadline_ms: match deadline {
                None => None,
                Some(deadline) => Some(span("Deadline", &deadline, None, MAX_DEADLINE_MS)?),
            },
            level_chosen: consistency.is_some(),
        })
    }
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
        assert_eq!(read(&[("consistency", "causal")], "/k"), Err("level"));
        assert_eq!(read(&[("consistency", "linearizable")], "/k").map(|o| o.level_chosen), Ok(true));
        assert_eq!(read(&[("idempotency-key", "a")], "/k"), Err("not_supported"));
    }
}
