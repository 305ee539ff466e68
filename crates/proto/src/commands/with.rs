//! `WITH key <level> [ID client:n] [DEADLINE ms] [META] DO command…`: the options of one request.
//!
//! The key comes first, so that cluster clients and proxies route the whole by it; it must be one of the command's own keys. This version has one level,
//! `linearizable`; naming another is an error and never a silent downgrade or upgrade.

use super::arguments::{is, syntax};
use super::number::parse_u64;
use super::{Family, Parsed, parse_row, resolve};
use crate::command::{Command, Request};
use crate::limits::{MAX_CLIENT_NAME_BYTES, MAX_DEADLINE_MS};
use crate::log_entry::ClientNumber;
use crate::reply::Reply;
use bytes::Bytes;

pub(super) fn parse(argv: &[Bytes]) -> Result<Parsed, Reply> {
    level(&argv[2])?;
    let (mut client, mut deadline_ms, mut meta) = (None, None, false);
    let mut at = 3;
    let inner = loop {
        let word = argv.get(at).ok_or_else(syntax)?;
        if is(word, "DO") {
            break &argv[at + 1..];
        } else if is(word, "META") {
            meta = true;
            at += 1;
        } else if is(word, "ID") {
            client = Some(number(argv.get(at + 1).ok_or_else(syntax)?)?);
            at += 2;
        } else if is(word, "DEADLINE") {
            deadline_ms = Some(deadline(argv.get(at + 1).ok_or_else(syntax)?)?);
            at += 2;
        } else if ["AFTER", "MAXSTALE", "ACKS"].iter().any(|later| is(word, later)) {
            return Err(Reply::error(format!(
                "ERR not supported yet: WITH … {} (see docs/redis.md)",
                String::from_utf8_lossy(word).to_ascii_uppercase()
            )));
        } else {
            return Err(syntax());
        }
    };
    if inner.is_empty() {
        return Err(syntax());
    }
    let row = resolve(inner)?;
    if !matches!(row.family, Family::Data(_)) {
        return Err(Reply::error(format!("ERR WITH takes a command on keys, not '{}'", row.name)));
    }
    if !row.key_positions(inner).into_iter().any(|at| inner[at] == argv[1]) {
        return Err(Reply::error("ERR the key after WITH must be a key of the command after DO"));
    }
    let command = parse_row(row, inner)?;
    if client.is_some() && !matches!(command, Command::Write { .. }) {
        return Err(Reply::error("ERR ID numbers a write whose keys are in one slot; this command is none"));
    }
    Ok(Parsed { request: Request { command, deadline_ms, level_chosen: true, client }, meta })
}

/// Whether this names the one level of this version; if not, what to say. In any case of letters.
pub fn level(word: &[u8]) -> Result<(), Reply> {
    if is(word, "linearizable") {
        return Ok(());
    }
    let first = word.split(|byte| matches!(byte, b',' | b';')).next().unwrap_or(word).trim_ascii();
    let shown = String::from_utf8_lossy(word);
    Err(Reply::error(
        if ["sequential", "causal", "eventual", "linearizable"].iter().any(|known| is(first, known)) {
            format!(
                "LEVEL '{shown}' is not supported yet; this version has 'linearizable' (see docs/redis.md)"
            )
        } else {
            format!("LEVEL unknown consistency level '{shown}'; this version has 'linearizable'")
        },
    ))
}

/// `client:n`; the name may hold colons, the number is after the last one.
fn number(argument: &Bytes) -> Result<ClientNumber, Reply> {
    let colon = argument.iter().rposition(|&byte| byte == b':');
    let number = colon.and_then(|colon| parse_u64(&argument[colon + 1..])).filter(|&number| number > 0);
    match (colon, number) {
        (Some(colon @ 1..=MAX_CLIENT_NAME_BYTES), Some(number)) => {
            Ok(ClientNumber { client: argument.slice(..colon), number })
        }
        _ => Err(Reply::error(format!(
            "ERR ID wants client:number, the name at most {MAX_CLIENT_NAME_BYTES} bytes, the number from 1"
        ))),
    }
}

fn deadline(argument: &[u8]) -> Result<u64, Reply> {
    parse_u64(argument)
        .filter(|ms| (1..=MAX_DEADLINE_MS).contains(ms))
        .ok_or_else(|| Reply::error(format!("ERR DEADLINE wants milliseconds from 1 to {MAX_DEADLINE_MS}")))
}
