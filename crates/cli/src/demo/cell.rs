//! What one question came to, in a few words for a table: the answer or the word of its refusal, whether it is decided, and how long it took.

use crate::visit::{Met, text_of};
use client::{Error, Reply};
use std::time::Duration;

/// Of a write.
pub(super) fn write(answer: &Result<(Reply, Met), Error>, took: Duration) -> String {
    match answer {
        Ok((_, met)) => format!("taken, {}, {}", state(met), span(took)),
        Err(error) => refusal(error, took),
    }
}

/// Of a read.
pub(super) fn read(answer: &Result<(Reply, Met), Error>, took: Duration) -> String {
    match answer {
        Ok((reply, met)) => format!("{}, {}, {}", value(reply), state(met), span(took)),
        Err(error) => refusal(error, took),
    }
}

/// A value as people say it.
pub(super) fn value(reply: &Reply) -> String {
    match reply {
        Reply::Nil => "absent".to_owned(),
        Reply::Array(items) | Reply::Set(items) => {
            let mut items: Vec<String> = items.iter().filter_map(text_of).collect();
            items.sort();
            items.join(", ")
        }
        Reply::Int(number) => number.to_string(),
        other => match text_of(other) {
            Some(text) if text.parse::<i64>().is_ok() => text,
            Some(text) => format!("{text:?}"),
            None => format!("{other:?}"),
        },
    }
}

fn state(met: &Met) -> &str {
    // The word of the field; what is not decided yet says so itself.
    match &*met.state {
        "committed" => "decided",
        other => other,
    }
}

/// The first word of an error, which says what to do.
fn refusal(error: &Error, took: Duration) -> String {
    let word = error.message.split(' ').next().unwrap_or_default();
    let is_word = !word.is_empty() && word.bytes().all(|byte| byte.is_ascii_uppercase());
    let shown = if is_word { word.to_owned() } else { error.kind.to_string() };
    format!("{shown}, {}", span(took))
}

fn span(took: Duration) -> String {
    match took.as_millis() {
        0..10 => format!("{:.1} ms", took.as_micros() as f64 / 1_000.0),
        ms => format!("{ms} ms"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use client::ErrorKind;

    const SHORT: Duration = Duration::from_micros(1_300);

    fn met(state: &str) -> Met {
        Met { state: state.to_owned(), ..Met::default() }
    }

    #[test]
    fn a_cell_says_the_answer_its_state_and_its_time() {
        assert_eq!(read(&Ok((Reply::bulk("left"), met("committed"))), SHORT), "\"left\", decided, 1.3 ms");
        assert_eq!(read(&Ok((Reply::Nil, met("tentative"))), SHORT), "absent, tentative, 1.3 ms");
        assert_eq!(
            write(&Ok((Reply::OK, met("tentative"))), Duration::from_millis(14)),
            "taken, tentative, 14 ms"
        );
        let refused = Err(Error::new(ErrorKind::NoQuorum, "NOQUORUM no majority"));
        assert_eq!(read(&refused, SHORT), "NOQUORUM, 1.3 ms");
        let silent = Err(Error::new(ErrorKind::Unreachable, "node 3: hung up"));
        assert_eq!(read(&silent, SHORT), "unreachable, 1.3 ms");
    }

    #[test]
    fn values_of_all_shapes_have_one_line() {
        assert_eq!(value(&Reply::bulk("5")), "5");
        assert_eq!(value(&Reply::Set(vec![Reply::bulk("bob"), Reply::bulk("ann")])), "ann, bob");
    }
}
