//! `conflicts KEY`: the newest writes of a key that were superseded, and by what.
//!
//! A read like `get`, with a read's levels and sessions. As JSON it is what `/conflicts/KEY` answers over HTTP.

use crate::arguments::Conflicts;
use crate::exit::{Exit, Failure};
use crate::{data, talk};
use client::operations;
use proto::hlc::Timestamp;
use proto::superseded::{By, Superseded};

pub(crate) fn run(arguments: &Conflicts) -> Result<Exit, Failure> {
    let key = &arguments.key;
    let command = operations::conflicts(key.as_bytes());
    let reply = data::perform(&arguments.access, &arguments.promise, command)?.reply;
    let conflicts = Superseded::read(&reply).ok_or_else(|| {
        Failure::bad_input(format!("the node answered in words that this version does not know: {reply:?}"))
    })?;
    if arguments.json {
        let all = serde_json::json!({ "key": key, "conflicts": conflicts });
        return talk::print(format_args!("{all}")).map(|()| Exit::Done);
    }
    if conflicts.is_empty() {
        talk::say(format_args!("nothing of {key:?} is known to have been superseded"));
    }
    for conflict in &conflicts {
        talk::print(format_args!("{}", shown(conflict)))?;
    }
    Ok(Exit::Done)
}

/// One of them, for people.
pub(crate) fn shown(conflict: &Superseded) -> String {
    format!(
        "{}\n  taken       {} as {}\n  superseded  {} by {}",
        conflict.write,
        utc(conflict.taken),
        conflict.operation,
        utc(conflict.decided),
        winner(&conflict.by)
    )
}

/// What won, in words.
pub(crate) fn winner(by: &By) -> String {
    match by {
        By::StrongWrite { at } => format!("a strong write of {} that it had not seen", utc(*at)),
        By::NewerWrite { operation, at } => format!("the newer {operation}, decided {}", utc(*at)),
        By::Floor { at } => {
            format!("what is forgotten: deletions up to {}, and it had seen less", utc(*at))
        }
        By::Value => by.to_string(),
    }
}

/// A timestamp as a moment in UTC.
fn utc(at: Timestamp) -> String {
    let ms = at.wall_ms();
    let (days, of_day) = (ms / 86_400_000, ms % 86_400_000);
    let (year, month, day) = date(days);
    let (hour, minute, second) = (of_day / 3_600_000, of_day / 60_000 % 60, of_day / 1_000 % 60);
    format!("{year}-{month:02}-{day:02} {hour:02}:{minute:02}:{second:02}.{:03} UTC", of_day % 1_000)
}

/// Year, month and day of a day since the Unix epoch (Howard Hinnant's `civil_from_days`, for days that are not before it).
fn date(days: u64) -> (u64, u64, u64) {
    let since_0000_03_01 = days + 719_468;
    let (era, of_era) = (since_0000_03_01 / 146_097, since_0000_03_01 % 146_097);
    let year_of_era = (of_era - of_era / 1_460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let from_march = (5 * of_year + 2) / 153;
    let day = of_year - (153 * from_march + 2) / 5 + 1;
    let month = if from_march < 10 { from_march + 3 } else { from_march - 9 };
    (era * 400 + year_of_era + u64::from(month <= 2), month, day)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn timestamps_are_moments() {
        let at = |ms| utc(Timestamp::from_wall_ms(ms));
        assert_eq!(at(0), "1970-01-01 00:00:00.000 UTC");
        assert_eq!(at(951_782_399_999), "2000-02-28 23:59:59.999 UTC");
        assert_eq!(at(951_782_400_000), "2000-02-29 00:00:00.000 UTC");
        assert_eq!(at(1_709_251_199_000), "2024-02-29 23:59:59.000 UTC");
        assert_eq!(at(1_795_893_918_007), "2026-11-28 19:25:18.007 UTC");
        assert_eq!(at(4_107_542_400_000), "2100-03-01 00:00:00.000 UTC");
    }

    #[test]
    fn a_person_reads_what_was_lost_when_and_to_what() {
        let lost = Superseded {
            key: (&b"lock"[..]).into(),
            write: "SET \"mine\"".to_owned(),
            operation: "n3.0.1:4".to_owned(),
            taken: Timestamp::from_wall_ms(1_000),
            seen: Timestamp::ZERO,
            by: By::StrongWrite { at: Timestamp::from_wall_ms(2_000) },
            decided: Timestamp::from_wall_ms(3_000),
        };
        assert_eq!(
            shown(&lost),
            "SET \"mine\"\n  taken       1970-01-01 00:00:01.000 UTC as n3.0.1:4\n  superseded  1970-01-01 00:00:03.000 UTC by a strong write of 1970-01-01 00:00:02.000 UTC that it had not seen"
        );
        let newer = By::NewerWrite { operation: "n1.0.1:9".to_owned(), at: Timestamp::ZERO };
        assert_eq!(winner(&newer), "the newer n1.0.1:9, decided 1970-01-01 00:00:00.000 UTC");
    }
}
