//! What is seen, as text: answers, values, log entries, conflicts.
//!
//! Invariant: no times, indexes or absolute terms: what changes with every unrelated change has no place in a story.

use proto::error::ErrorKind;
use proto::level::Level;
use proto::log_entry::{Deed, LogEntry};
use proto::ops::{HashWrite, KeyWrite, ListWrite, SetWrite, StringWrite, Write};
use proto::outcome::{Achieved, Outcome, State};
use proto::reply::Reply;
use proto::superseded::{By, Superseded};
use proto::tentative::{Dot, Origin};

/// A reply, as `redis-cli` might show it, in one line.
pub(super) fn reply(reply: &Reply) -> String {
    let list = |items: &[Reply]| items.iter().map(self::reply).collect::<Vec<_>>();
    match reply {
        Reply::Nil | Reply::NilArray => "nothing".to_owned(),
        Reply::Simple(text) => (*text).to_owned(),
        Reply::Status(text) | Reply::Error(text) => text.clone(),
        Reply::Int(number) => number.to_string(),
        Reply::Bulk(bytes) => format!("\"{}\"", bytes.escape_ascii()),
        Reply::Array(items) => match Superseded::read(reply).filter(|_| !items.is_empty()) {
            Some(all) => all.iter().map(conflict).collect::<Vec<_>>().join("; "),
            None => format!("[{}]", list(items).join(", ")),
        },
        Reply::Set(items) => {
            let mut members = list(items);
            members.sort_unstable();
            format!("{{{}}}", members.join(", "))
        }
        Reply::Map(pairs) => {
            let pair =
                |(key, value): &(Reply, Reply)| format!("{}: {}", self::reply(key), self::reply(value));
            format!("{{{}}}", pairs.iter().map(pair).collect::<Vec<_>>().join(", "))
        }
        other => format!("{other:?}"),
    }
}

/// What the parser says of a line that it does not understand, as far as the first semicolon.
pub(super) fn refusal(reply: &Reply) -> String {
    let said = self::reply(reply);
    said.split(';').next().unwrap_or_default().to_owned()
}

/// How a request ended, with what its client asked to see.
pub(super) fn answer(
    outcome: &Outcome,
    achieved: &Achieved,
    level: Option<Level>,
    version: Option<String>,
    who: bool,
) -> String {
    let (value, certificate) = match outcome {
        Outcome::Done { reply, certificate } => (self::reply(reply), certificate),
        Outcome::Failed(failure) => return kind(failure.kind).to_owned(),
    };
    let mut notes = Vec::new();
    notes.extend((achieved.state == State::Tentative).then(|| "tentative".to_owned()));
    notes.extend(level.map(|level| level.to_string()));
    notes.extend(version);
    notes.extend(who.then(|| format!("from {}", certificate.served_by)));
    if notes.is_empty() { value } else { format!("{value} ({})", notes.join(", ")) }
}

fn kind(kind: ErrorKind) -> &'static str {
    match kind {
        ErrorKind::Invalid => "INVALID",
        ErrorKind::NoQuorum => "NOQUORUM",
        ErrorKind::Retry => "RETRY",
        ErrorKind::OutOfMemory => "OOM",
        ErrorKind::Expired => "EXPIRED",
        ErrorKind::Unknown => "UNKNOWN",
        ErrorKind::Closed => "CLOSED",
        ErrorKind::Behind => "BEHIND",
        ErrorKind::Level => "LEVEL",
        #[allow(unreachable_patterns)] // there may be more one day
        _ => "another failure",
    }
}

/// A tentative operation's name: its origin and its number there.
fn dot(dot: Dot) -> String {
    format!("{}:{}", origin(dot.origin), dot.number)
}

/// An origin is named by its node, and by its data folder if that is not the first.
fn origin(origin: Origin) -> String {
    let hint = if origin.is_hints() { " hint" } else { "" };
    let folder = if origin.incarnation > 1 { format!(".{}", origin.incarnation) } else { String::new() };
    format!("n{}{folder}{hint}", origin.node)
}

/// What a log entry does; `None` if it does nothing that a reader of stories would miss.
pub(super) fn entry(entry: &LogEntry) -> Option<String> {
    match entry {
        LogEntry::Empty { .. } | LogEntry::Floor { .. } | LogEntry::Directory { .. } => None,
        LogEntry::Rebuilt { replica, .. } => Some(format!("node {replica} begins anew")),
        LogEntry::Closed { origin, .. } => Some(format!("{} is closed", self::origin(*origin))),
        LogEntry::Write { deed: Deed::Apply(write), .. } => Some(self::write(write)),
        LogEntry::Write { deed: Deed::Nothing, .. } => Some("nothing, in a write's place".to_owned()),
        LogEntry::Write { deed: Deed::RefuseForMemory, .. } => {
            Some("a refusal for want of memory".to_owned())
        }
        LogEntry::Write { deed: Deed::RefuseForDisk, .. } => {
            Some("a refusal for want of room on disks".to_owned())
        }
        LogEntry::Tentative { operation, .. } => {
            Some(format!("{} {}", dot(operation.dot), write(&operation.write)))
        }
    }
}

fn write(write: &Write) -> String {
    let text = |bytes: &bytes::Bytes| match bytes.len() {
        0..=40 => bytes.escape_ascii().to_string(),
        long => format!("({long} bytes)"),
    };
    let all = |many: &[bytes::Bytes]| many.iter().map(text).collect::<Vec<_>>().join(" ");
    match write {
        Write::String(StringWrite::Set { key, value, .. }) => format!("SET {} {}", text(key), text(value)),
        Write::String(StringWrite::IncrBy { key, delta }) => format!("INCRBY {} {delta}", text(key)),
        Write::String(StringWrite::Append { key, value }) => format!("APPEND {} {}", text(key), text(value)),
        Write::String(StringWrite::MSet { pairs }) => format!("MSET of {} keys", pairs.len()),
        Write::Key(KeyWrite::Del { keys }) => format!("DEL {}", all(keys)),
        Write::Key(KeyWrite::ExpireAt { key, .. } | KeyWrite::ExpireAfter { key, .. }) => {
            format!("EXPIRE {}", text(key))
        }
        Write::Set(SetWrite::Add { key, members }) => format!("SADD {} {}", text(key), all(members)),
        Write::Set(SetWrite::Remove { key, members }) => format!("SREM {} {}", text(key), all(members)),
        Write::List(ListWrite::Push { key, values, .. }) => format!("PUSH {} {}", text(key), all(values)),
        Write::Hash(HashWrite::Set { key, fields, .. }) => {
            let fields = fields.iter().map(|(field, value)| format!(" {} {}", text(field), text(value)));
            format!("HSET {}{}", text(key), fields.collect::<String>())
        }
        other => {
            let debug = format!("{other:?}");
            debug.split([' ', '{']).next().unwrap_or_default().to_owned()
        }
    }
}

/// A line of the conflict log.
fn conflict(lost: &Superseded) -> String {
    let by = match &lost.by {
        By::StrongWrite { .. } => "a strong write that it had not seen".to_owned(),
        By::NewerWrite { operation, .. } => format!("the newer {}", short(operation)),
        By::Floor { .. } => "what may be forgotten: it had seen less".to_owned(),
        By::Value => "what the key held".to_owned(),
    };
    format!("{} {} lost to {by}", short(&lost.operation), lost.write)
}

/// `n1.0.1:3` is `n1:3` in a story, and `n1.0.2:3` is `n1.2:3`.
fn short(operation: &str) -> String {
    let (origin, number) = operation.split_once(':').unwrap_or((operation, ""));
    let parts: Vec<&str> = origin.split('.').collect();
    let hint = if parts.get(1) == Some(&"hints") { " hint" } else { "" };
    let folder =
        parts.get(2).filter(|folder| **folder != "1").map_or(String::new(), |folder| format!(".{folder}"));
    format!("{}{folder}{hint}:{number}", parts[0])
}
