//! What a request, or a connection, says of its consistency: `<ladder> [MAXSTALE ms] [DEADLINE ms] [ACKS n]`, and the suffix of a command's name (`GET@sequential`).
//!
//! The weakest binding first: what the front sets for everybody, `CONSISTENCY` for the connection, then the command's own suffix or `WITH`. A word that is no level is an error.

use super::arguments::{is, syntax};
use super::number::parse_u64;
use crate::command::{Command, Request};
use crate::level::Ladder;
use crate::limits::{MAX_DEADLINE_MS, MAX_REPLICAS};
use crate::reply::Reply;
use bytes::Bytes;

/// What is set for requests that do not say it themselves.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Consistency {
    /// The levels that are tried; `None` means that nobody has chosen any.
    pub ladder: Option<Ladder>,
    /// How old the state that answers may be, in milliseconds.
    pub max_staleness_ms: Option<u64>,
    /// How long a request may take, in milliseconds.
    pub deadline_ms: Option<u64>,
    /// On how many nodes a tentative write must be durable before it is answered.
    pub acks: Option<u8>,
}

impl Consistency {
    /// Reads the arguments of `CONSISTENCY`. A ladder may be one argument or several: blanks mean nothing in it.
    pub fn parse(arguments: &[Bytes]) -> Result<Consistency, Reply> {
        let options = |word: &Bytes| ["MAXSTALE", "DEADLINE", "ACKS"].iter().any(|option| is(word, option));
        let ladder_words = arguments.iter().position(options).unwrap_or(arguments.len());
        let text = arguments[..ladder_words].join(&b' ');
        let mut consistency = Consistency { ladder: Some(ladder(&text)?), ..Consistency::default() };
        let mut at = ladder_words;
        while at < arguments.len() {
            at += consistency.option(&arguments[at..])?.ok_or_else(syntax)?;
        }
        Ok(consistency)
    }

    /// Reads one option, if one stands here; answers how many arguments it took.
    pub(super) fn option(&mut self, arguments: &[Bytes]) -> Result<Option<usize>, Reply> {
        let value = || arguments.get(1).ok_or_else(syntax);
        if is(&arguments[0], "MAXSTALE") {
            self.max_staleness_ms = Some(span("MAXSTALE", value()?)?);
        } else if is(&arguments[0], "DEADLINE") {
            self.deadline_ms = Some(span("DEADLINE", value()?)?);
        } else if is(&arguments[0], "ACKS") {
            self.acks = Some(acks(value()?)?);
        } else {
            return Ok(None);
        }
        Ok(Some(2))
    }

    /// Fills in what a request does not say itself.
    pub fn fill(&self, request: &mut Request) {
        if let Some(ladder) = self.ladder.filter(|_| !request.level_chosen) {
            request.ladder = ladder;
            request.level_chosen = true;
        }
        request.max_staleness_ms = request.max_staleness_ms.or(self.max_staleness_ms);
        request.deadline_ms = request.deadline_ms.or(self.deadline_ms);
        request.acks = request.acks.or(self.acks);
    }
}

impl std::fmt::Display for Consistency {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.ladder.unwrap_or_default().fmt(f)?;
        if let Some(ms) = self.max_staleness_ms {
            write!(f, " MAXSTALE {ms}")?;
        }
        if let Some(ms) = self.deadline_ms {
            write!(f, " DEADLINE {ms}")?;
        }
        if let Some(acks) = self.acks {
            write!(f, " ACKS {acks}")?;
        }
        Ok(())
    }
}

/// A ladder, or what the client is told.
pub fn ladder(text: &[u8]) -> Result<Ladder, Reply> {
    Ladder::parse(text).map_err(|bad| Reply::error(format!("LEVEL {}", bad.0)))
}

/// A command's name without its level: `GET@sequential` is GET at `sequential`. The level is for the caller to read.
pub(super) fn split(name: &[u8]) -> (&[u8], Option<&[u8]>) {
    match name.iter().position(|&byte| byte == b'@') {
        Some(at) => (&name[..at], Some(&name[at + 1..])),
        None => (name, None),
    }
}

/// Reads the level that a command's name ends in, if it names one.
pub(super) fn suffix(name: &[u8], request: &mut Request) -> Result<(), Reply> {
    if let (_, Some(level)) = split(name) {
        request.ladder = ladder(level)?;
        request.level_chosen = true;
    }
    Ok(())
}

/// On how many nodes: from one to as many as a shard can have.
pub fn acks(argument: &[u8]) -> Result<u8, Reply> {
    parse_u64(argument)
        .and_then(|acks| u8::try_from(acks).ok())
        .filter(|acks| (1..=MAX_REPLICAS).contains(&usize::from(*acks)))
        .ok_or_else(|| Reply::error(format!("ERR ACKS wants a number of nodes from 1 to {MAX_REPLICAS}")))
}

fn span(option: &str, argument: &[u8]) -> Result<u64, Reply> {
    parse_u64(argument)
        .filter(|ms| (1..=MAX_DEADLINE_MS).contains(ms))
        .ok_or_else(|| Reply::error(format!("ERR {option} wants milliseconds from 1 to {MAX_DEADLINE_MS}")))
}

/// `SESSION TOKEN`
pub(super) fn session_token(_: &super::Row, _: &[Bytes]) -> Result<Command, Reply> {
    Ok(Command::SessionToken)
}

/// `SESSION RESUME token`
pub(super) fn session_resume(_: &super::Row, argv: &[Bytes]) -> Result<Command, Reply> {
    Ok(Command::SessionResume { token: argv[2].clone() })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::level::Level;

    fn parse(line: &str) -> Result<Consistency, String> {
        let words: Vec<Bytes> = line.split_whitespace().map(|word| Bytes::from(word.to_owned())).collect();
        Consistency::parse(&words).map_err(|reply| match reply {
            Reply::Error(text) => text.to_string(),
            other => panic!("{other:?}"),
        })
    }

    #[test]
    fn what_was_set_is_shown_as_it_can_be_set_again() {
        let set = parse("linearizable;50ms, causal MAXSTALE 5 acks 2 deadline 100").unwrap();
        assert_eq!(set.to_string(), "linearizable;50ms, causal MAXSTALE 5 DEADLINE 100 ACKS 2");
        assert_eq!(parse(&set.to_string()).unwrap(), set);
        assert_eq!(Consistency::default().to_string(), "linearizable");
    }

    #[test]
    fn what_is_wrong_is_said() {
        assert!(parse("sequential MAXSTALE").unwrap_err().starts_with("ERR syntax"));
        assert!(parse("sequential MAXSTALE 0").unwrap_err().starts_with("ERR MAXSTALE wants"));
        for acks in ["0", "8", "256", "-1", "all"] {
            assert!(parse(&format!("causal ACKS {acks}")).unwrap_err().starts_with("ERR ACKS wants"));
        }
        assert!(parse("MAXSTALE 5").unwrap_err().starts_with("LEVEL unknown"));
        assert!(parse("sequential DEADLINE 5 nonsense 7").unwrap_err().starts_with("ERR syntax"));
    }

    #[test]
    fn a_request_keeps_what_it_says_itself() {
        let set = parse("sequential MAXSTALE 5 DEADLINE 7").unwrap();
        let mut own = Request { level_chosen: true, deadline_ms: Some(1), ..Request::new(Command::DbSize) };
        set.fill(&mut own);
        assert_eq!((own.ladder.strongest(), own.deadline_ms), (Level::Linearizable, Some(1)));
        assert_eq!(own.max_staleness_ms, Some(5));
        let mut plain = Request::new(Command::DbSize);
        set.fill(&mut plain);
        assert_eq!((plain.ladder.strongest(), plain.level_chosen), (Level::Sequential, true));
    }
}
