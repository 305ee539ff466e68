//! A strong write stands behind everything that its session depended on when it was asked: what the session had written or been shown below sequential was decided before it, at an earlier time (`docs/consistency.md`, sessions, rule 1).
//!
//! The judges of the levels see a write that stands too early only where somebody reads both keys in between, which hardly ever happens. Here the two times are compared, for the history has both: the write's version and the fates of the dots.
//!
//! Not here: sessions that were handed over to others, and commands of several keys, which have no version of their own.

use crate::verdict::Failure;
use checker::{Dot, History, Level, OpName, Record, Status};
use std::collections::BTreeMap;

/// The version of a strong write that took effect.
fn version_of_strong_write(record: &Record) -> Option<u64> {
    let is_strong = [Level::Linearizable, Level::Sequential]
        .iter()
        .any(|level| record.level.as_deref() == Some(level.as_str()));
    let took_effect = match record.op {
        OpName::Get => false,
        OpName::Cas | OpName::Del => record.swapped == Some(true),
        OpName::Set | OpName::Incr | OpName::Append => true,
    };
    record.version.filter(|_| is_strong && took_effect && record.status == Status::Ok)
}

pub(super) fn check(history: &History) -> Result<(), Failure> {
    let decided: BTreeMap<&Dot, u64> =
        history.fates.iter().filter_map(|(_, fate)| Some((&fate.dot, fate.decided_version?))).collect();
    let mut sessions: BTreeMap<&str, Vec<&Record>> = BTreeMap::new();
    for (_, record) in &history.records {
        if let Some(session) = &record.session {
            sessions.entry(session).or_default().push(record);
        }
    }
    for (session, records) in sessions {
        // The newest time at which something was decided that had been answered by then, and its dot.
        let mut answers: Vec<(u64, u64, &Dot)> = Vec::new();
        for record in &records {
            let is_causal = record.level.as_deref() == Some(Level::Causal.as_str());
            let Some(return_ns) = record.return_ns.filter(|_| is_causal) else { continue };
            let times = record.dots.iter().filter_map(|dot| Some((return_ns, *decided.get(dot)?, dot)));
            answers.extend(times);
        }
        answers.sort_unstable();
        let mut newest: Option<(u64, &Dot)> = None;
        for answer in &mut answers {
            newest = newest.max(Some((answer.1, answer.2)));
            (answer.1, answer.2) = newest.expect("just set");
        }
        for record in records {
            let Some(version) = version_of_strong_write(record) else { continue };
            let before = answers.partition_point(|(return_ns, ..)| *return_ns <= record.invoke_ns);
            let Some((_, at, dot)) = before.checked_sub(1).map(|last| answers[last]) else { continue };
            if version <= at {
                let (op, key) = (record.op.as_str(), &record.key);
                return Err(Failure::safety(
                    "a strong write stands behind what its session depends on",
                    format!(
                        "session {session}: {op} of {key}, sent at {} ns, has version {version}, but {dot}, which the session had been answered, was decided at {at}",
                        record.invoke_ns
                    ),
                ));
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use checker::parse_history;

    const HISTORY: &str = r#"
        {"client":"a","session":"a","op":"set","key":"x","value":"1","invoke":1,"return":2,"status":"ok","version":0,"as_of":5,"level":"causal","state":"tentative","dots":[["n1.0.1",1]]}
        {"client":"a","session":"a","op":"set","key":"y","value":"2","invoke":3,"return":4,"status":"ok","version":10,"as_of":10,"level":"linearizable"}
        {"fate":"decided","dots":[["n1.0.1",1]],"decided_version":9,"seen":5,"time":7}"#;

    #[test]
    fn a_strong_write_that_stands_before_what_its_session_had_written_is_found() {
        let judge = |text: &str| check(&parse_history(text).unwrap());
        assert_eq!(judge(HISTORY), Ok(()));
        let early = HISTORY.replace("\"version\":10", "\"version\":9");
        assert!(judge(&early).unwrap_err().explanation.contains("decided at 9"));
        let concurrent = early.replace("\"invoke\":3", "\"invoke\":1");
        assert_eq!(judge(&concurrent), Ok(()), "it was not answered when the write was sent");
        let other = early.replacen("\"session\":\"a\"", "\"session\":\"b\"", 1);
        assert_eq!(judge(&other), Ok(()));
    }
}
