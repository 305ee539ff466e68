//! A command as the client sends it: its words, its key, and whether it may be repeated.
//!
//! A command with a key travels as `WITH key ladder [AFTER token] [ID …] [MAXSTALE ms] DEADLINE ms META DO …`, so that the node knows in which session and at which levels it is made, how long we wait, applies a
//! numbered write once, and says what it achieved. A command without a key travels bare: it is linearizable and in no session.

use super::lanes::Number;
use crate::error::Error;
use crate::terms::Terms;
use bytes::Bytes;
use proto::command::Command as Parsed;
use proto::commands::{Family, parse_request, resolve};
use proto::ids::Slot;
use proto::level::{Ladder, Level};
use proto::limits::{MAX_COMMAND_BYTES, MAX_DEADLINE_MS, MAX_KEY_BYTES, MAX_VALUE_BYTES};
use proto::slots::slot_of;
use std::time::Duration;

/// What repeating a command does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    /// Changes nothing: repeat at will.
    Read,
    /// Changes the keys of one slot: numbered, so that the cluster applies it once however often it is sent.
    Numbered,
    /// May change more than that: sent again only while it is certain that nothing was applied.
    Bare,
}

/// A command that is within the limits.
#[derive(Clone, Debug)]
pub struct Command {
    words: Vec<Bytes>,
    key: Option<Bytes>,
    /// The level that its own name ends in (`GET@sequential`).
    ladder: Option<Ladder>,
    access: Access,
}

impl Command {
    /// A command whose first key is `words[key]`.
    ///
    /// # Errors
    /// `Invalid` if a key, an argument or all together pass the limits, or there is no such word.
    pub fn new(words: Vec<Bytes>, key: usize, access: Access) -> Result<Command, Error> {
        let Some(first) = words.get(key).cloned() else {
            return Err(Error::invalid("a key is missing: name at least one"));
        };
        if first.len() > MAX_KEY_BYTES {
            return Err(Error::invalid(format!(
                "the key has {} bytes; {MAX_KEY_BYTES} is the most",
                first.len()
            )));
        }
        Command { words, key: Some(first), ladder: None, access }.within_limits()
    }

    /// A command that has no key.
    ///
    /// # Errors
    /// `Invalid` if it passes the limits or is empty.
    pub fn without_key(words: Vec<Bytes>, access: Access) -> Result<Command, Error> {
        if words.is_empty() {
            return Err(Error::invalid("the command is empty; name one, such as PING"));
        }
        Command { words, key: None, ladder: None, access }.within_limits()
    }

    /// Any command in the words of the Redis protocol. What it is allowed is looked up in the command table; what the table does not know is left to the
    /// node to judge.
    ///
    /// # Errors
    /// `Invalid` if it passes the limits or is empty, or would change the state of a connection, which callers share.
    pub fn from_words(mut words: Vec<Bytes>) -> Result<Command, Error> {
        if words.is_empty() {
            return Command::without_key(words, Access::Bare);
        }
        let Ok(row) = resolve(&words) else { return Command::without_key(words, Access::Bare) };
        let parsed = match row.family {
            Family::Connection if !matches!(row.name, "ping" | "echo") => {
                return Err(Error::invalid(format!(
                    "{} is about one connection, and this client has many: set it in the options",
                    row.name.to_ascii_uppercase()
                )));
            }
            Family::Connection | Family::Server | Family::Cluster => {
                let access = if row.is_write() { Access::Bare } else { Access::Read };
                return Command::without_key(words, access);
            }
            Family::Data(_) if row.is_of_its_connection() => {
                return Err(Error::invalid(if row.name == "wait" {
                    "WAIT is about one connection, and this client has many: ask for acks with each write"
                } else {
                    "SESSION is about one connection, and this client has many: give the client a session of its own"
                }));
            }
            Family::Data(_) | Family::Wrapper => parse_request(&words),
        };
        let Ok(parsed) = parsed else { return Command::without_key(words, Access::Bare) };
        if matches!(row.family, Family::Wrapper) {
            // The caller's own wrapper is sent as it is; its own number makes it safe to repeat.
            let repeatable = parsed.request.client.is_some() || !changes(&parsed.request.command);
            return Command::without_key(words, if repeatable { Access::Read } else { Access::Bare });
        }
        let key = row.key_positions(&words).first().copied();
        let ladder = parsed.request.level_chosen.then_some(parsed.request.ladder);
        if let (Some(_), Some(_), Some(at)) = (key, ladder, words[0].iter().position(|&byte| byte == b'@')) {
            // It travels inside WITH, where the level has another place.
            words[0].truncate(at);
        }
        let command = match (&parsed.request.command, key) {
            (Parsed::Write { .. }, Some(key)) => Command::new(words, key, Access::Numbered),
            (command, Some(key)) if changes(command) => Command::new(words, key, Access::Bare),
            (_, Some(key)) => Command::new(words, key, Access::Read),
            (command, None) if changes(command) => Command::without_key(words, Access::Bare),
            (_, None) => Command::without_key(words, Access::Read),
        }?;
        Ok(Command { ladder, ..command })
    }

    fn within_limits(self) -> Result<Command, Error> {
        if let Some(long) = self.words.iter().find(|word| word.len() > MAX_VALUE_BYTES) {
            return Err(Error::invalid(format!(
                "a value has {} bytes; {MAX_VALUE_BYTES} is the most: store it in pieces",
                long.len()
            )));
        }
        let all: usize = self.words.iter().map(Bytes::len).sum();
        if all > MAX_COMMAND_BYTES {
            return Err(Error::invalid(format!(
                "the command has {all} bytes; {MAX_COMMAND_BYTES} is the most: send it in pieces"
            )));
        }
        Ok(self)
    }

    /// Whether any replica may answer it on these terms.
    pub(crate) fn is_for_any_node(&self, terms: &Terms) -> bool {
        self.access == Access::Read && self.ladder(terms).strongest() < Level::Linearizable
    }

    fn ladder(&self, terms: &Terms) -> Ladder {
        self.ladder.unwrap_or(terms.ladder)
    }

    /// What repeating it does.
    pub fn access(&self) -> Access {
        self.access
    }

    /// The slot of its first key.
    pub fn slot(&self) -> Option<Slot> {
        self.key.as_ref().map(|key| slot_of(key))
    }

    /// Whether it travels inside `WITH … META DO`.
    pub(crate) fn wrapped(&self) -> bool {
        self.key.is_some()
    }

    /// The words to send, for a try that is given up after `left`. The node is told a little less, so that it can still say how it ended.
    pub(crate) fn words(&self, terms: &Terms, number: Option<Number>, left: Duration) -> Vec<Bytes> {
        let Some(key) = &self.key else { return self.words.clone() };
        let left_ms = u64::try_from(left.as_millis()).unwrap_or(u64::MAX);
        let deadline_ms = (left_ms - left_ms / 10).clamp(1, MAX_DEADLINE_MS);
        let ladder = Bytes::from(self.ladder(terms).to_string());
        let mut words = vec![Bytes::from_static(b"WITH"), key.clone(), ladder];
        if let Some(token) = &terms.after {
            words.extend([Bytes::from_static(b"AFTER"), Bytes::copy_from_slice(token.as_bytes())]);
        }
        if let Some(most) = terms.max_staleness {
            let most_ms = u64::try_from(most.as_millis()).unwrap_or(u64::MAX).clamp(1, MAX_DEADLINE_MS);
            words.extend([Bytes::from_static(b"MAXSTALE"), Bytes::from(most_ms.to_string())]);
        }
        if let Some(acks) = terms.acks {
            words.extend([Bytes::from_static(b"ACKS"), Bytes::from(acks.to_string())]);
        }
        if let Some(number) = number {
            words.extend([Bytes::from_static(b"ID"), Bytes::from(number.id())]);
        }
        words.extend([Bytes::from_static(b"DEADLINE"), Bytes::from(deadline_ms.to_string())]);
        words.extend([Bytes::from_static(b"META"), Bytes::from_static(b"DO")]);
        words.extend(self.words.iter().cloned());
        words
    }
}

fn changes(command: &Parsed) -> bool {
    match command {
        Parsed::Write { .. } | Parsed::MSet { .. } | Parsed::Del { .. } | Parsed::FlushAll => true,
        Parsed::Read { .. }
        | Parsed::MGet { .. }
        | Parsed::Exists { .. }
        | Parsed::DbSize
        | Parsed::Keys { .. }
        | Parsed::Scan { .. }
        | Parsed::RandomKey
        | Parsed::SessionToken
        | Parsed::SessionResume { .. }
        | Parsed::Wait { .. } => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn access(text: &str) -> Access {
        let words = text.split(' ').map(|word| Bytes::from(word.to_owned())).collect();
        Command::from_words(words).unwrap().access()
    }

    #[test]
    fn only_writes_to_one_slot_are_numbered() {
        assert_eq!(access("SET k v"), Access::Numbered);
        assert_eq!(access("INCR k"), Access::Numbered);
        assert_eq!(access("DEL k"), Access::Numbered);
        assert_eq!(access("DEL {t}a {t}b"), Access::Numbered);
        assert_eq!(access("DEL a b"), Access::Bare);
        assert_eq!(access("MSET a 1 b 2"), Access::Bare);
        assert_eq!(access("FLUSHALL"), Access::Bare);
        assert_eq!(access("GET k"), Access::Read);
        assert_eq!(access("MGET a b"), Access::Read);
        assert_eq!(access("DBSIZE"), Access::Read);
        assert_eq!(access("PING"), Access::Read);
        assert_eq!(access("NOSUCH k"), Access::Bare);
        assert_eq!(access("WITH k linearizable ID me:1 DO SET k v"), Access::Read);
        assert_eq!(access("WITH k linearizable DO SET k v"), Access::Bare);
    }

    #[test]
    fn the_terms_stand_in_the_wrapper_and_a_suffix_goes_before_them() {
        let said = |text: &str, terms: &Terms| {
            let words = text.split(' ').map(|word| Bytes::from(word.to_owned())).collect();
            let words = Command::from_words(words).unwrap().words(terms, None, Duration::from_secs(1));
            let words: Vec<_> = words.iter().map(|word| String::from_utf8_lossy(word).into_owned()).collect();
            words.join(" ")
        };
        let terms = Terms {
            ladder: "linearizable;50ms, causal".parse().unwrap(),
            max_staleness: Some(Duration::from_secs(2)),
            acks: Some(2),
            after: Some("abc".into()),
        };
        assert_eq!(said("GET k", &Terms::default()), "WITH k linearizable DEADLINE 900 META DO GET k");
        assert_eq!(
            said("GET k", &terms),
            "WITH k linearizable;50ms, causal AFTER abc MAXSTALE 2000 ACKS 2 DEADLINE 900 META DO GET k"
        );
        assert_eq!(
            said("GET@sequential k", &Terms::default()),
            "WITH k sequential DEADLINE 900 META DO GET k"
        );
        assert_eq!(
            said("DEL a b", &Terms { after: Some("abc".into()), ..Terms::default() }),
            "WITH a linearizable AFTER abc DEADLINE 900 META DO DEL a b",
            "what cannot be numbered belongs to the session all the same"
        );
        assert_eq!(said("DBSIZE", &terms), "DBSIZE");
    }

    #[test]
    fn what_would_change_a_shared_connection_is_refused() {
        let refused = [
            vec!["AUTH", "x"],
            vec!["CLIENT", "REPLY", "OFF"],
            vec!["QUIT"],
            vec!["CONSISTENCY"],
            vec!["SESSION", "TOKEN"],
            vec!["WAIT", "1", "100"],
        ];
        for words in refused {
            let words = words.into_iter().map(|word| Bytes::from_static(word.as_bytes())).collect();
            assert!(Command::from_words(words).is_err());
        }
    }

    #[test]
    fn what_passes_the_limits_is_refused_before_it_is_sent() {
        let word = |len| Bytes::from(vec![0; len]);
        assert!(Command::new(vec![word(3), word(MAX_KEY_BYTES)], 1, Access::Read).is_ok());
        assert!(Command::new(vec![word(3), word(MAX_KEY_BYTES + 1)], 1, Access::Read).is_err());
        assert!(Command::new(vec![word(3), word(1), word(MAX_VALUE_BYTES + 1)], 1, Access::Read).is_err());
        assert!(Command::new(vec![word(3)], 1, Access::Read).is_err());
        assert!(Command::without_key(vec![], Access::Read).is_err());
    }
}
