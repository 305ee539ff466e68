//! The fields of one line of a history file, taken by hand one after the other.
//!
//! By hand, so that an error can name the field and the remedy, which a derived reader cannot. A field that nobody
//! took is an error too: a misspelt `session` would make a judge blind without a word.
//!
//! Not here: which fields there are (`history`, `fate`).

use std::collections::BTreeMap;

use serde_json::{Map, Value};

/// The fields of a line that were not taken yet.
pub(crate) struct Fields(pub(crate) Map<String, Value>);

impl Fields {
    fn take(&mut self, name: &str) -> Option<Value> {
        self.0.remove(name).filter(|value| !value.is_null())
    }

    pub(crate) fn text(&mut self, name: &str) -> Result<Option<String>, String> {
        match self.take(name) {
            None => Ok(None),
            Some(Value::String(text)) => Ok(Some(text)),
            Some(other) => {
                Err(format!("field `{name}` is {other}; write a string in quotes, or null for absent"))
            }
        }
    }

    pub(crate) fn flag(&mut self, name: &str) -> Result<Option<bool>, String> {
        match self.take(name) {
            None => Ok(None),
            Some(Value::Bool(flag)) => Ok(Some(flag)),
            Some(other) => Err(format!("field `{name}` is {other}; write true or false")),
        }
    }

    pub(crate) fn unsigned(&mut self, name: &str) -> Result<Option<u64>, String> {
        match self.take(name) {
            None => Ok(None),
            Some(value) => value
                .as_u64()
                .map(Some)
                .ok_or_else(|| format!("field `{name}` is {value}; write a whole number from 0 to 2^64-1")),
        }
    }

    pub(crate) fn signed(&mut self, name: &str) -> Result<Option<i64>, String> {
        match self.take(name) {
            None => Ok(None),
            Some(value) => value
                .as_i64()
                .map(Some)
                .ok_or_else(|| format!("field `{name}` is {value}; write a whole number of 64 bits")),
        }
    }

    pub(crate) fn optional_of<T: Copy>(
        &mut self,
        name: &str,
        all: &[T],
        as_str: fn(T) -> &'static str,
    ) -> Result<Option<T>, String> {
        let Some(value) = self.take(name) else { return Ok(None) };
        let found = all.iter().find(|one| value.as_str() == Some(as_str(**one)));
        let names: Vec<&str> = all.iter().map(|one| as_str(*one)).collect();
        found
            .copied()
            .map(Some)
            .ok_or_else(|| format!("field `{name}` is {value}; write one of {}", names.join(", ")))
    }

    pub(crate) fn one_of<T: Copy>(
        &mut self,
        name: &str,
        all: &[T],
        as_str: fn(T) -> &'static str,
    ) -> Result<T, String> {
        let names: Vec<&str> = all.iter().map(|one| as_str(*one)).collect();
        let missing = format!("field `{name}` is missing; write one of {}", names.join(", "));
        self.optional_of(name, all, as_str)?.ok_or(missing)
    }

    /// A name: a string, or a number that is kept as its digits.
    pub(crate) fn name(&mut self, name: &str) -> Result<Option<String>, String> {
        match self.take(name) {
            None => Ok(None),
            Some(Value::String(text)) => Ok(Some(text)),
            Some(Value::Number(number)) => Ok(Some(number.to_string())),
            Some(other) => Err(format!("field `{name}` is {other}; write a string or a number")),
        }
    }

    /// Pairs of a name and a whole number, such as `[["n1",7]]`.
    pub(crate) fn pairs(&mut self, name: &str) -> Result<Vec<(String, u64)>, String> {
        let Some(value) = self.take(name) else { return Ok(Vec::new()) };
        let pair = |pair: &Value| -> Option<(String, u64)> {
            let [name, number] = pair.as_array()?.as_slice() else { return None };
            let name = match name {
                Value::String(text) => text.clone(),
                Value::Number(number) => number.to_string(),
                _ => return None,
            };
            Some((name, number.as_u64()?))
        };
        let pairs: Option<Vec<_>> = value.as_array().and_then(|pairs| pairs.iter().map(pair).collect());
        pairs.ok_or_else(|| {
            format!(
                "field `{name}` is {value}; write pairs of a name and a whole number, such as [[\"n1\",7]]"
            )
        })
    }

    /// What is left: fields that begin with `x-` are the recorder's own, any other is a mistake that would hide what was meant.
    pub(crate) fn own(self) -> Result<BTreeMap<String, Value>, String> {
        match self.0.keys().find(|name| !name.starts_with("x-")) {
            None => Ok(self.0.into_iter().collect()),
            Some(name) => Err(format!(
                "there is no field `{name}` here; docs/history.md lists the fields, and yours may begin with `x-`"
            )),
        }
    }
}

pub(crate) fn pairs_to_json(pairs: impl IntoIterator<Item = (String, u64)>) -> Value {
    Value::Array(
        pairs
            .into_iter()
            .map(|(name, number)| Value::from(vec![Value::from(name), Value::from(number)]))
            .collect(),
    )
}
