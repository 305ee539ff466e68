//! RESP2, as much as SET and GET need: requests are arrays of bulk strings, answers come in the order of the requests.
//!
//! Not here: nested answers, RESP3, redirections (every node of ours serves every key, and one Redis is asked).

use crate::session::{Answer, Outcome};
use std::io::Write;

/// Counts requests and answers: the n-th answer is the n-th request's.
#[derive(Default)]
pub(crate) struct Session {
    asked: u64,
    answered: u64,
}

impl Session {
    pub(crate) fn set(&mut self, key: &[u8], value: &[u8], output: &mut Vec<u8>) -> u64 {
        self.ask(&[b"SET", key, value], output)
    }

    pub(crate) fn get(&mut self, key: &[u8], output: &mut Vec<u8>) -> u64 {
        self.ask(&[b"GET", key], output)
    }

    fn ask(&mut self, words: &[&[u8]], output: &mut Vec<u8>) -> u64 {
        write!(output, "*{}\r\n", words.len()).expect("a vector takes every byte");
        for word in words {
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
        b'+' => Ok(Some((Outcome::Written, head))),
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
        _ => Err(format!("an answer that SET and GET do not have: {}{text}", char::from(input[0]))),
    }
}
