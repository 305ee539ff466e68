//! What the levels below sequential promise: causal order and session guarantees, and that every tentative write is decided once, loses only with reason, and is seen alike by all in
//! the end (`checker`, `causal` and `eventual`).
//!
//! Keys that are read and written several at a time are left out, as in `sequentiality`.

use crate::verdict::Failure;
use checker::{Class, History, Level, Record, SearchLimits, Status, check_history};

/// The search is the second opinion, and small ones are many.
const LIMITS: SearchLimits = SearchLimits { operations: 200, steps: 20_000, cache_bytes: 4 << 20 };

/// Answers how many answers below sequential were judged, in a history without keys that are read and written several at a time.
pub(super) fn check(history: &History) -> Result<u64, Failure> {
    let is_weak = |record: &Record| {
        record
            .level
            .as_deref()
            .is_some_and(|name| [Level::Causal, Level::Eventual].iter().any(|level| name == level.as_str()))
    };
    let answered = |(_, record): &&(usize, Record)| is_weak(record) && record.status == Status::Ok;
    let answers = history.records.iter().filter(answered).count();
    if answers == 0 {
        return Ok(0);
    }
    for (level, invariant) in [
        (Level::Causal, "nobody sees an effect without what it depends on"),
        (
            Level::Eventual,
            "tentative writes are decided once, lose only with reason, and replicas agree in the end",
        ),
    ] {
        let report = check_history(history, level, LIMITS)
            .map_err(|error| Failure::crash(format!("the history cannot be judged: {error}")))?;
        match report.class() {
            Class::Legal | Class::Undecided => {}
            Class::Violation | Class::JudgesDisagree => {
                return Err(Failure::safety(invariant, report.to_string()));
            }
        }
    }
    Ok(answers as u64)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::judges::sequentiality;
    use checker::parse_history;

    const HISTORY: &str = r#"
        {"client":"a","session":"a","op":"set","key":"register-1","value":"x","invoke":1,"return":2,"status":"ok","version":0,"as_of":5,"level":"causal","state":"tentative","dots":[["n1.0.1",1]]}
        {"client":"a","session":"a","op":"get","key":"register-1","value":"x","invoke":3,"return":4,"status":"ok","version":0,"as_of":5,"level":"causal","state":"tentative","dots":[["n1.0.1",1]]}
        {"client":"a","session":"a","op":"get","key":"several-1","value":"x","invoke":3,"return":4,"status":"ok"}
        {"fate":"decided","dots":[["n1.0.1",1]],"decided_version":9,"seen":5,"time":7}"#;

    #[test]
    fn what_was_answered_below_sequential_is_judged_with_its_fates() {
        let judge = |text: &str| check(&sequentiality::without_several(&parse_history(text).unwrap()));
        assert_eq!(judge(HISTORY), Ok(2));
        let lost = HISTORY.replace("n1.0.1\",1]],\"decided", "n1.0.1\",2]],\"decided");
        let failure = judge(&lost).unwrap_err();
        assert!(failure.explanation.contains("neither decided nor superseded"), "{failure}");
        let forgets = HISTORY
            .replace(r#""op":"get","key":"register-1","value":"x""#, r#""op":"get","key":"register-1""#);
        let forgets = forgets.replace(
            r#""as_of":5,"level":"causal","state":"tentative","dots":[["n1.0.1",1]]}
        {"client":"a","session":"a","op":"get","key":"several"#,
            r#""as_of":5,"level":"causal"}
        {"client":"a","session":"a","op":"get","key":"several"#,
        );
        let failure = judge(&forgets).unwrap_err();
        assert!(failure.invariant.contains("depends on"), "{failure}");
    }
}
