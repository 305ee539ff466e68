//! `WITH key <ladder> [AFTER token] [ID client:n] [MAXSTALE ms] [DEADLINE ms] [ACKS n] [META] DO command…`: the options of one request.
//!
//! The key comes first, so that cluster clients and proxies route the whole by it; it must be one of the command's own keys. A ladder with blanks in it is one quoted argument.

use super::arguments::{is, syntax};
use super::consistency::{Consistency, ladder, split};
use super::number::parse_u64;
use super::{Parsed, parse_row, resolve};
use crate::command::{Command, InSession, Request};
use crate::limits::MAX_CLIENT_NAME_BYTES;
use crate::log_entry::ClientNumber;
use crate::reply::Reply;
use bytes::Bytes;

pub(super) fn parse(argv: &[Bytes]) -> Result<Parsed, Reply> {
    let mut consistency = Consistency { ladder: Some(ladder(&argv[2])?), ..Consistency::default() };
    let (mut client, mut session, mut meta) = (None, InSession::Connection, false);
    let mut at = 3;
    let inner = loop {
        let word = argv.get(at).ok_or_else(syntax)?;
        if is(word, "DO") {
            break &argv[at + 1..];
        } else if is(word, "META") {
            meta = true;
            at += 1;
        } else if is(word, "ID") {
            client = Some(client_number(argv.get(at + 1).ok_or_else(syntax)?)?);
            at += 2;
        } else if is(word, "AFTER") {
            session = InSession::Token(argv.get(at + 1).ok_or_else(syntax)?.clone());
            at += 2;
        } else {
            at += consistency.option(&argv[at..])?.ok_or_else(syntax)?;
        }
    };
    if inner.is_empty() {
        return Err(syntax());
    }
    let row = resolve(inner)?;
    if !row.takes_level() {
        return Err(Reply::error(format!("ERR WITH takes a command on keys, not '{}'", row.name)));
    }
    if split(&inner[0]).1.is_some() {
        return Err(Reply::error("ERR the level stands after the key of WITH, not at the command after DO"));
    }
    if !row.key_positions(inner).into_iter().any(|at| inner[at] == argv[1]) {
        return Err(Reply::error("ERR the key after WITH must be a key of the command after DO"));
    }
    let command = parse_row(row, inner)?;
    if client.is_some() && !matches!(command, Command::Write { .. }) {
        return Err(Reply::error("ERR ID numbers a write whose keys are in one slot; this command is none"));
    }
    let mut request = Request { session, wants_token: meta, client, ..Request::new(command) };
    consistency.fill(&mut request);
    Ok(Parsed { request, meta })
}

/// `client:n`; the name may hold colons, the number is after the last one.
pub fn client_number(argument: &Bytes) -> Result<ClientNumber, Reply> {
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
