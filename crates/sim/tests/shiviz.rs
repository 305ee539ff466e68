//! The log for ShiViz tells the truth about what could have caused what: clocks of one host rise by one, and whoever hears something knows all that its sender knew.

use sim::overrides::Overrides;
use sim::run::{Options, run_changed};
use std::collections::BTreeMap;

type Clock = BTreeMap<String, u64>;

struct Event {
    host: String,
    clock: Clock,
    what: String,
}

/// Reads a log as the expression in its first line says: a line with host and clock, a line with the event.
fn parse(log: &str) -> Vec<Event> {
    let mut lines = log.lines();
    assert_eq!(lines.next(), Some(r"(?<host>\S+) (?<clock>\{.*\})\n(?<event>.*)"));
    assert_eq!(lines.next(), Some(""));
    let mut events = Vec::new();
    while let (Some(head), Some(what)) = (lines.next(), lines.next()) {
        let (host, clock) = head.split_once(' ').expect("a host and a clock");
        let clock = clock.strip_prefix('{').and_then(|clock| clock.strip_suffix('}')).expect("an object");
        let parts = clock.split(',').map(|part| {
            let (host, count) = part.split_once(':').expect("a host and a count");
            (host.trim_matches('"').to_owned(), count.parse().expect("a number"))
        });
        events.push(Event { host: host.to_owned(), clock: parts.collect(), what: what.to_owned() });
    }
    events
}

fn smaller() -> Overrides {
    let mut overrides = Overrides::default();
    for (argument, value) in [("--until", "4s"), ("--shards", "2"), ("--operations", "60")] {
        assert_eq!(overrides.parse(argument, &mut || Some(value.to_owned())), Ok(true));
    }
    overrides
}

#[test]
fn every_receipt_knows_what_its_sender_knew_and_every_host_counts_by_one() {
    #[allow(clippy::needless_update)] // with the feature `planted` there is one more field
    let options = Options { with_shiviz: true, ..Options::default() };
    let ended = run_changed(9, &smaller(), options);
    let events = parse(&ended.shiviz);
    assert!(events.len() > 500, "{} events", events.len());
    let mut by_host: BTreeMap<&str, Vec<&Event>> = BTreeMap::new();
    for event in &events {
        let of_host = by_host.entry(&event.host).or_default();
        of_host.push(event);
        assert_eq!(event.clock[&event.host], of_host.len() as u64, "{}", event.what);
        for (other, count) in &event.clock {
            let known = by_host[other.as_str()].get(*count as usize - 1).expect("nobody knows the future");
            let is_known = known.clock.iter().all(|(host, count)| event.clock.get(host) >= Some(count));
            assert!(
                is_known,
                "{} at {} knows {other} {count}, and not all that was known there",
                event.what, event.host
            );
        }
    }
    let mut receipts = 0;
    for event in &events {
        let Some((from, message)) = event.what.strip_prefix("from ").and_then(|rest| rest.split_once(": "))
        else {
            continue;
        };
        receipts += 1;
        let sent = format!("to {}: {message}", event.host.trim_start_matches('n'));
        let from = format!("n{from}");
        let sender_knew = event.clock.get(&from).copied().unwrap_or_default() as usize;
        let was_sent = by_host[from.as_str()][..sender_knew].iter().any(|event| event.what == sent);
        assert!(was_sent, "{} heard {:?}, which {from} had not sent", event.host, event.what);
    }
    assert!(receipts > 100, "{receipts} receipts");
}

#[test]
fn the_diagram_does_not_change_what_happens() {
    #[allow(clippy::needless_update)] // with the feature `planted` there is one more field
    let options = Options { with_shiviz: true, ..Options::default() };
    let with = run_changed(9, &smaller(), options).fingerprint;
    assert_eq!(run_changed(9, &smaller(), Options::default()).fingerprint, with);
}
