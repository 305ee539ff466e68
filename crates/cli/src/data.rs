//! `get put del cas incr append`: one operation each, through the client crate.

use crate::arguments::{Access, Append, Cas, Del, Get, Incr, Put};
use crate::exit::{Exit, Failure};
use crate::{secret, talk};
use client::blocking::Client;
use client::{Options, SetOptions};
use std::borrow::Cow;
use std::io::Read;
use std::time::Duration;

/// The options that these arguments mean.
pub(crate) fn options(access: &Access) -> Result<Options, Failure> {
    let password = secret::from_file_or_environment(access.requirepass_file.as_deref(), secret::REQUIREPASS)?;
    Ok(Options { password, deadline: access.deadline(), ..Options::default() })
}

fn client(access: &Access) -> Result<Client, Failure> {
    Ok(Client::new(&access.at, options(access)?)?)
}

pub(crate) fn get(arguments: &Get) -> Result<Exit, Failure> {
    match client(&arguments.access)?.get(&arguments.key)? {
        Some(value) => talk::print_raw(&value).map(|()| Exit::Done),
        None => absent(&arguments.key),
    }
}

pub(crate) fn put(arguments: &Put) -> Result<Exit, Failure> {
    let mut options = SetOptions::new();
    if let Some(seconds) = arguments.ttl {
        options = options.ttl(Duration::from_secs(seconds));
    }
    client(&arguments.access)?.set(&arguments.key, value(&arguments.value)?, &options)?;
    Ok(Exit::Done)
}

pub(crate) fn del(arguments: &Del) -> Result<Exit, Failure> {
    match client(&arguments.access)?.del(&arguments.key)? {
        true => Ok(Exit::Done),
        false => absent(&arguments.key),
    }
}

pub(crate) fn cas(arguments: &Cas) -> Result<Exit, Failure> {
    let (expected, new) = match (&arguments.first, &arguments.second, arguments.absent) {
        (old, Some(new), false) => (Some(old.as_bytes()), new),
        (new, None, true) => (None, new),
        (_, None, false) => {
            return Err(Failure::bad_input(
                "one value is missing: quartet cas KEY OLD NEW, or --absent KEY NEW",
            ));
        }
        (_, Some(_), true) => {
            return Err(Failure::bad_input("one value too many: quartet cas --absent KEY NEW"));
        }
    };
    match client(&arguments.access)?.cas(&arguments.key, expected, new)? {
        true => Ok(Exit::Done),
        false => Err(Failure::new(
            Exit::Refused,
            format!(
                "{:?} {}; nothing was changed",
                arguments.key,
                if arguments.absent { "is there already" } else { "does not hold that value" }
            ),
        )),
    }
}

pub(crate) fn incr(arguments: &Incr) -> Result<Exit, Failure> {
    let new = client(&arguments.access)?.incr(&arguments.key, arguments.by)?;
    talk::print(format_args!("{new}")).map(|()| Exit::Done)
}

pub(crate) fn append(arguments: &Append) -> Result<Exit, Failure> {
    let length = client(&arguments.access)?.append(&arguments.key, value(&arguments.value)?)?;
    talk::print(format_args!("{length}")).map(|()| Exit::Done)
}

fn absent(key: &str) -> Result<Exit, Failure> {
    Err(Failure::new(Exit::Absent, format!("{key:?} is absent")))
}

/// The argument's bytes, or stdin's for `-`.
fn value(argument: &str) -> Result<Cow<'_, [u8]>, Failure> {
    if argument != "-" {
        return Ok(Cow::Borrowed(argument.as_bytes()));
    }
    // One byte more than is allowed is enough to know that there is too much.
    let mut bytes = Vec::new();
    std::io::stdin()
        .take(proto::limits::MAX_VALUE_BYTES as u64 + 1)
        .read_to_end(&mut bytes)
        .map_err(|error| Failure::bad_input(format!("cannot read stdin: {error}")))?;
    Ok(Cow::Owned(bytes))
}
