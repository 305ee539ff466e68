//! One line of a batch: `LEVEL, 1, KEY ::: VALUE` sets, `LEVEL, 2, KEY` gets. Blanks round `,` and `:::` mean nothing.
//!
//! These are the lines of an older program of four consistencies, so that its files run as they are. Pure: text in, request or sentence out.

use client::Level;

/// What a line asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Request {
    pub(crate) level: Level,
    pub(crate) key: String,
    /// The value to set; `None` is a get.
    pub(crate) value: Option<String>,
}

impl Request {
    /// The word for what it does.
    pub(crate) fn op(&self) -> &'static str {
        if self.value.is_some() { "set" } else { "get" }
    }
}

/// Reads a line; one of blanks only asks for nothing.
pub(crate) fn parse(line: &str) -> Result<Option<Request>, String> {
    if line.trim().is_empty() {
        return Ok(None);
    }
    let mut fields = line.splitn(3, ',').map(str::trim);
    let (level, op, rest) = (fields.next().unwrap_or_default(), fields.next(), fields.next());
    let level = level_of(level)?;
    let op = op.ok_or("what to do is missing: write LEVEL, 1, KEY ::: VALUE or LEVEL, 2, KEY")?;
    let rest = rest.filter(|rest| !rest.is_empty());
    let (key, value) = match rest.and_then(|rest| rest.split_once(":::")) {
        Some((key, value)) => (key.trim_end(), Some(value.trim_start())),
        None => (rest.unwrap_or_default(), None),
    };
    match (op, value) {
        ("1" | "2", _) if key.is_empty() => Err("the key is missing".to_owned()),
        ("1", None) => Err("the value is missing: write LEVEL, 1, KEY ::: VALUE".to_owned()),
        ("2", Some(_)) => Err("a get has no value: write LEVEL, 2, KEY".to_owned()),
        ("1" | "2", value) => {
            Ok(Some(Request { level, key: key.to_owned(), value: value.map(str::to_owned) }))
        }
        _ => Err(format!("'{op}' is nothing to do: 1 sets, 2 gets")),
    }
}

fn level_of(field: &str) -> Result<Level, String> {
    match field {
        "1" => Ok(Level::Linearizable),
        "2" => Ok(Level::Sequential),
        "3" => Ok(Level::Causal),
        "4" => Ok(Level::Eventual),
        _ => Err(format!("'{field}' is no level: 1 is linearizable, 2 sequential, 3 causal, 4 eventual")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request(level: Level, key: &str, value: Option<&str>) -> Option<Request> {
        Some(Request { level, key: key.to_owned(), value: value.map(str::to_owned) })
    }

    #[test]
    fn a_line_sets_or_gets_at_one_of_four_levels() {
        assert_eq!(parse("1, 1, key ::: value"), Ok(request(Level::Linearizable, "key", Some("value"))));
        assert_eq!(parse("2, 1, a ::: b"), Ok(request(Level::Sequential, "a", Some("b"))));
        assert_eq!(parse("3, 2, key"), Ok(request(Level::Causal, "key", None)));
        assert_eq!(parse("4, 2, key"), Ok(request(Level::Eventual, "key", None)));
    }

    #[test]
    fn blanks_round_commas_and_colons_mean_nothing() {
        let same = request(Level::Linearizable, "key", Some("value"));
        for line in ["1,1,key:::value", "  1 ,1 ,  key:::  value  ", "\t1,\t1,\tkey\t:::\tvalue\r"] {
            assert_eq!(parse(line), Ok(same.clone()), "{line:?}");
        }
        assert_eq!(parse("   \r"), Ok(None));
    }

    #[test]
    fn keys_and_values_may_hold_what_stands_behind_their_sign() {
        assert_eq!(
            parse("1, 1, a, b ::: c, d ::: e"),
            Ok(request(Level::Linearizable, "a, b", Some("c, d ::: e")))
        );
        assert_eq!(parse("1, 1, k :::"), Ok(request(Level::Linearizable, "k", Some(""))));
        assert_eq!(
            parse("1, 2, two words: one key"),
            Ok(request(Level::Linearizable, "two words: one key", None))
        );
    }

    #[test]
    fn what_is_malformed_is_told() {
        for (line, why) in [
            ("5, 1, k ::: v", "'5' is no level"),
            ("strong, 1, k ::: v", "'strong' is no level"),
            (", 1, k", "'' is no level"),
            ("1", "what to do is missing"),
            ("1, 3, k", "'3' is nothing to do"),
            ("1, 1", "the key is missing"),
            ("1, 2,  ", "the key is missing"),
            ("1, 1, ::: v", "the key is missing"),
            ("1, 1, k", "the value is missing"),
            ("1, 1, k :: v", "the value is missing"),
            ("1, 2, k ::: v", "a get has no value"),
        ] {
            let error = parse(line).expect_err(line);
            assert!(error.contains(why), "{line}: {error}");
        }
    }
}
