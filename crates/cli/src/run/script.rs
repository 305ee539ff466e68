//! From the words on the command line to the clients of a run: each file is one, and the single requests together are one more.

use super::line::{self, Request};
use crate::arguments::Run;
use crate::exit::Failure;
use std::io::Read;
use std::path::Path;

/// The client of the single requests.
const COMMAND_LINE: &str = "command line";

/// A client and its lines: a request each, or why the line is none.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Script {
    pub(crate) name: String,
    pub(crate) lines: Vec<(usize, Result<Request, String>)>,
}

/// All clients, in the order in which they were named. With `--each` alone there is one at each node.
pub(crate) fn read(arguments: &Run, nodes: usize) -> Result<Vec<Script>, Failure> {
    let mut scripts: Vec<Script> = Vec::new();
    let mut single: Vec<u8> = Vec::new();
    for word in &arguments.what {
        if is_request(word) {
            single.extend_from_slice(word.as_bytes());
            single.push(b'\n');
            if !scripts.iter().any(|script| script.name == COMMAND_LINE) {
                scripts.push(Script { name: COMMAND_LINE.to_owned(), lines: Vec::new() });
            }
            continue;
        }
        let bytes =
            bytes_of(word).map_err(|error| Failure::bad_input(format!("cannot read {word}: {error}")))?;
        scripts.push(script(word.clone(), &bytes));
    }
    if let Some(place) = scripts.iter().position(|script| script.name == COMMAND_LINE) {
        scripts[place] = script(COMMAND_LINE.to_owned(), &single);
    }
    if scripts.is_empty() {
        let one = |number| Script { name: format!("client {number}"), lines: Vec::new() };
        scripts.extend((1..=nodes).map(one));
    }
    for script in &mut scripts {
        let mut number = script.lines.last().map_or(0, |&(number, _)| number);
        for request in &arguments.each {
            number += 1;
            script.lines.push((number, Ok(request.clone())));
        }
    }
    Ok(scripts)
}

/// A word with a comma that is no file's name is a request.
fn is_request(word: &str) -> bool {
    word.contains(',') && !Path::new(word).exists()
}

fn bytes_of(word: &str) -> std::io::Result<Vec<u8>> {
    if word != "-" {
        return std::fs::read(word);
    }
    let mut bytes = Vec::new();
    std::io::stdin().read_to_end(&mut bytes)?;
    Ok(bytes)
}

fn script(name: String, bytes: &[u8]) -> Script {
    let parsed = bytes.split(|&byte| byte == b'\n').enumerate().filter_map(|(index, line)| {
        let request = match std::str::from_utf8(line) {
            Ok(text) => line::parse(text).transpose()?,
            Err(_) => Err("the line is no text: write it in UTF-8".to_owned()),
        };
        Some((index + 1, request))
    });
    Script { name, lines: parsed.collect() }
}

/// Reads a file's lines; for the fuzz targets. One that is a request means the same when it is written anew.
pub(super) fn read_all(bytes: &[u8]) {
    for (_, request) in script(String::new(), bytes).lines {
        let Ok(request) = request else { continue };
        let level = match request.level {
            client::Level::Linearizable => 1,
            client::Level::Sequential => 2,
            client::Level::Causal => 3,
            client::Level::Eventual => 4,
        };
        let again = match &request.value {
            Some(value) => format!("{level}, 1, {} ::: {value}", request.key),
            None => format!("{level}, 2, {}", request.key),
        };
        assert_eq!(line::parse(&again), Ok(Some(request)));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_keep_their_numbers_and_a_bad_one_does_not_hide_the_others() {
        let script = script("f".to_owned(), b"1, 2, a\n\n9, 2, b\n\xff\n4,2,c\r\n");
        let shown: Vec<_> = script
            .lines
            .iter()
            .map(|(number, line)| (*number, line.as_ref().ok().map(|request| &*request.key)))
            .collect();
        assert_eq!(shown, [(1, Some("a")), (3, None), (4, None), (5, Some("c"))]);
    }

    #[test]
    fn a_word_with_a_comma_is_a_request_unless_it_is_a_file() {
        assert!(is_request("1, 2, k"));
        assert!(!is_request("requests.txt"));
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("a,b");
        std::fs::write(&file, "").unwrap();
        assert!(!is_request(file.to_str().unwrap()));
    }
}
