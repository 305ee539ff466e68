//! RESP2, as much as SET, GET, SADD and SREM need: requests are arrays of bulk strings, answers come in the order of the requests.
//!
//! Not here: nested answers, RESP3, redirections (every node of ours serves every key, and one Redis is asked).

use crate::session::{Answer, Outcome};
use std::io::Write;

/// Counts requests and answers: the n-th answer is the n-th request's.
pub(crate) struct Session {
    /// `@` and the level, behind each command's name; empty where the server's default will do.
    suffix: String,
    password: Option<String>,
    /// The password's answer is still to come.
    awaits_welcome: bool,
    asked: u64,
    answered: u64,
}

impl Session {
    pub(crate) fn new(level: Option<&str>, password: Option<String>) -> Session {
        let suffix = level.map(|level| format!("@{level}")).unwrap_or_default();
        Session { suffix, awaits_welcome: password.is_some(), password, asked: 0, answered: 0 }
    }

    pub(crate) fn greet(&self, output: &mut Vec<u8>) {
        if let Some(password) = &self.password {
            write!(output, "*2\r\n$4\r\nAUTH\r\n${}\r\n{password}\r\n", password.len())
                .expect("a vector takes every byte");
        }
    }

    pub(crate) fn set(&mut self, key: &[u8], value: &[u8], output: &mut Vec<u8>) -> u64 {
        self.ask("SET", &[key, value], output)
    }

    pub(crate) fn get(&mut self, key: &[u8], output: &mut Vec<u8>) -> u64 {
        self.ask("GET", &[key], output)
    }

    /// Puts a member into a set, or takes it out.
    pub(crate) fn toggle(&mut self, set: &[u8], member: &[u8], is_in: bool, output: &mut Vec<u8>) -> u64 {
        self.ask(if is_in { "SADD" } else { "SREM" }, &[set, member], output)
    }

    fn ask(&mut self, name: &str, words: &[&[u8]], output: &mut Vec<u8>) -> u64 {
        let name = format!("{name}{}", self.suffix);
        write!(output, "*{}\r\n", words.len() + 1).expect("a vector takes every byte");
        for word in [name.as_bytes()].iter().chain(words) {
            write!(output, "${}\r\n", word.len()).expect("a vector takes every byte");
            output.extend_from_slice(word);
            output.extend_from_slice(b"\r\n");
        }
        self.asked += 1;
        self.asked - 1
    }

    pub(crate) fn read(&mut self, input: &[u8], answers: &mut Vec<Answer>) -> Result<usize, String> {
        let mut used = 0;
        while let Some((outcome, length)) = answer(&input[used..])? {
            used += length;
            if std::mem::take(&mut self.awaits_welcome) {
                match outcome {
                    Outcome::Written => continue,
                    other => return Err(format!("the password was not taken: {other:?}")),
                }
            }
            if self.answered == self.asked {
                return Err("an answer to nothing".to_owned());
            }
            answers.push((self.answered, outcome));
            self.answered += 1;
        }
        Ok(used)
    }
}

/// The answer at the start of `input` and its length in bytes, or `None` if it is not complete.
fn answer(input: &[u8]) -> Result<Option<(Outcome, usize)>, String> {
    let Some(end) = input.windows(2).position(|pair| pair == b"\r\n") else { return Ok(None) };
    let text = String::from_utf8_lossy(&input[1..end]);
    let head = end + 2;
    match input[0] {
        b'+' | b':' => Ok(Some((Outcome::Written, head))),
        b'-' => Ok(Some((Outcome::Refused(text.into_owned()), head))),
        b'$' if text == "-1" => Ok(Some((Outcome::Absent, head))),
        b'$' => {
            let length: usize = text.parse().map_err(|_| format!("a bulk string of length {text}"))?;
            let whole = head + length + 2;
            if input.len() < whole {
                return Ok(None);
            }
            Ok(Some((Outcome::Value(input[head..head + length].to_vec()), whole)))
        }
        _ => Err(format!("an answer that these commands do not have: {}{text}", char::from(input[0]))),
    }
}
