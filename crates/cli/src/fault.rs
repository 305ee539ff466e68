//! `fault`: cut or slow links between nodes, halt a node, heal; and see what is cut and slow.
//!
//! Needs one node, and nothing but `QUARTET FAULT` on its Redis port: the node carries the order to all others (`docs/faults.md`). Said once and never repeated by itself: who asks for a pause
//! of five seconds shall not get ten.

use crate::arguments::{Fault, FaultAction};
use crate::exit::{Exit, Failure};
use crate::status::{self, Cut, Delay};
use crate::{secret, talk};
use client::blocking::Connection;
use client::{Error, Reply};
use serde::Deserialize;
use std::time::Instant;

/// What `QUARTET FAULT …` answers.
#[derive(Debug, Deserialize)]
struct Report {
    #[serde(default)]
    done: Option<String>,
    cuts: Vec<Cut>,
    #[serde(default)]
    delays: Vec<Delay>,
    nodes: Vec<NodeReport>,
}

#[derive(Debug, Deserialize)]
struct NodeReport {
    node: u64,
    answer: String,
    #[serde(default)]
    cuts: Option<Vec<Cut>>,
    #[serde(default)]
    delays: Option<Vec<Delay>>,
}

pub(crate) fn run(arguments: &Fault) -> Result<Exit, Failure> {
    let words = words(arguments);
    let reply = ask(arguments, &words)?;
    if let Reply::Error(text) = &reply {
        return Err(failure(text));
    }
    let text = status::text_of(&reply).map_err(Failure::bad_input)?;
    if arguments.json {
        return talk::print(format_args!("{text}")).map(|()| Exit::Done);
    }
    let report: Report = serde_json::from_str(text).map_err(|error| {
        Failure::bad_input(format!("the node answered in words that this version does not know ({error})"))
    })?;
    for line in lines(&report, arguments.action == Some(FaultAction::Pause)) {
        talk::print(format_args!("{line}"))?;
    }
    Ok(Exit::Done)
}

/// The words of the command, as the node takes them. It judges them.
fn words(arguments: &Fault) -> Vec<String> {
    let action = match arguments.action.unwrap_or(FaultAction::List) {
        FaultAction::List => "LIST",
        FaultAction::Cut => "CUT",
        FaultAction::Oneway => "ONEWAY",
        FaultAction::Isolate => "ISOLATE",
        FaultAction::Delay => "DELAY",
        FaultAction::Heal => "HEAL",
        FaultAction::Pause => "PAUSE",
    };
    let mut words: Vec<String> = ["QUARTET", "FAULT", action].map(str::to_owned).into();
    words.extend(arguments.numbers.iter().map(u64::to_string));
    words.extend(arguments.span.iter().flat_map(|span| ["FOR".to_owned(), span.clone()]));
    words
}

/// Asks the first of the named nodes that answers at all.
fn ask(arguments: &Fault, words: &[String]) -> Result<Reply, Failure> {
    let access = &arguments.access;
    let password = secret::from_file_or_environment(access.requirepass_file.as_deref(), secret::REQUIREPASS)?;
    let words: Vec<&[u8]> = words.iter().map(String::as_bytes).collect();
    // Each may be one that stands still: the others must have their turn.
    let share = access.deadline() / u32::try_from(access.at.len()).unwrap_or(1).max(1);
    let end = Instant::now() + access.deadline();
    let mut last: Option<Error> = None;
    for address in &access.at {
        match Connection::open(address, password.as_deref(), share) {
            Ok(mut connection) => {
                return Ok(connection.call(&words, end.saturating_duration_since(Instant::now()))?);
            }
            Err(error) => last = Some(error),
        }
    }
    Err(last.map_or_else(|| Failure::bad_input("name a node with --at"), Failure::from))
}

fn failure(text: &str) -> Failure {
    let (word, sentence) = text.split_once(' ').unwrap_or(("ERR", text));
    match word {
        "ERR" => Failure::bad_input(sentence),
        "UNKNOWN" => Failure::new(Exit::Unknown, sentence),
        "TRYAGAIN" | "LOADING" | "CLUSTERDOWN" => Failure::new(Exit::Unreachable, sentence),
        _ => Failure::bad_input(text),
    }
}

/// After a change: what holds now. Else also what each node knows.
fn lines(report: &Report, is_pause: bool) -> Vec<String> {
    let mut lines = Vec::new();
    if let (true, Some(done)) = (is_pause, &report.done) {
        return vec![done.clone()];
    }
    lines.push(format!("faults   {}", status::faults(&report.cuts, &report.delays)));
    for node in &report.nodes {
        let slow = node.delays.as_deref().unwrap_or_default();
        let knows = node.cuts.as_ref().map(|known| status::faults(known, slow));
        let said = match &*node.answer {
            "ok" if report.done.is_some() => continue,
            "ok" => knows.unwrap_or_default(),
            "down" => "down".to_owned(),
            "silent" => "no answer: paused, stopped or out of reach".to_owned(),
            "not allowed" => "takes no faults: started without --allow-faults".to_owned(),
            other => other.to_owned(),
        };
        lines.push(format!("node {:<3} {said}", node.node));
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_says_what_each_node_knows_and_a_change_only_what_is_odd() {
        let json = r#"{"node":1,"cuts":[{"from":1,"to":2},{"from":2,"to":1}],"nodes":[
            {"node":1,"answer":"ok","cuts":[{"from":1,"to":2},{"from":2,"to":1}]},
            {"node":2,"answer":"ok","cuts":[],"delays":[{"nodes":[1,3],"ms":10}]},{"node":3,"answer":"down"}]}"#;
        let mut report: Report = serde_json::from_str(json).expect("a report");
        assert_eq!(
            lines(&report, false),
            ["faults   1–2 cut", "node 1   1–2 cut", "node 2   1–3 10 ms", "node 3   down"]
        );
        report.done = Some("cut 1 2".to_owned());
        assert_eq!(lines(&report, false), ["faults   1–2 cut", "node 3   down"]);
    }

    #[test]
    fn errors_end_with_the_codes_of_their_words() {
        assert_eq!(failure("ERR no node 4").exit, Exit::BadInput);
        assert_eq!(failure("UNKNOWN node 2 did not answer").exit, Exit::Unknown);
        assert_eq!(failure("NOAUTH Authentication required.").exit, Exit::BadInput);
        assert_eq!(failure("LOADING waiting").exit, Exit::Unreachable);
    }
}
