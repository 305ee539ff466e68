//! `get put del cas incr append`: one operation each, through the client crate. With `--meta` a line of JSON on stderr says what it achieved, before anything else is said.

use crate::arguments::{Access, Append, Cas, Del, Get, Incr, Promise, Put, Safety};
use crate::exit::{Exit, Failure};
use crate::{secret, talk};
use client::blocking::Client;
use client::core::Command;
use client::{Achieved, Answer, Error, Options, SetOptions, operations};
use std::borrow::Cow;
use std::io::Read;
use std::time::Duration;

/// The options that these arguments mean.
pub(crate) fn options(access: &Access) -> Result<Options, Failure> {
    let password = secret::from_file_or_environment(access.requirepass_file.as_deref(), secret::REQUIREPASS)?;
    Ok(Options { password, deadline: access.deadline(), ..Options::default() })
}

/// Does one operation as it is to be done.
pub(crate) fn perform(
    access: &Access,
    promise: &Promise,
    command: Result<Command, Error>,
) -> Result<Answer, Failure> {
    perform_safely(access, promise, Safety { acks: None }, command)
}

fn perform_safely(
    access: &Access,
    promise: &Promise,
    safety: Safety,
    command: Result<Command, Error>,
) -> Result<Answer, Failure> {
    let mut client = Client::new(&access.at, options(access)?)?.at(promise.consistency);
    if let Some(nodes) = safety.acks {
        client = client.acks(nodes);
    }
    if let Some(most) = promise.max_staleness {
        client = client.max_staleness(most);
    }
    if let Some(session) = &promise.session {
        client = client.in_session(session);
    }
    let answer = client.perform(command?)?;
    if let Some(achieved) = answer.achieved.as_ref().filter(|_| promise.meta) {
        talk::say(format_args!("{}", meta(achieved)));
    }
    Ok(answer)
}

/// Versions are written as text: they have more digits than many readers of JSON keep.
fn meta(achieved: &Achieved) -> serde_json::Value {
    serde_json::json!({
        "level": achieved.level.name(),
        "session": achieved.token,
        "age_ms": u64::try_from(achieved.age.as_millis()).unwrap_or(u64::MAX),
        "state": achieved.state.name(),
        "dot": achieved.dot,
        "node": achieved.served_by.0,
        "version": achieved.version.to_string(),
        "as_of": achieved.as_of.to_string(),
    })
}

pub(crate) fn get(arguments: &Get) -> Result<Exit, Failure> {
    let command = operations::get(arguments.key.as_bytes());
    match perform(&arguments.access, &arguments.promise, command)?.value()? {
        Some(value) => talk::print_raw(&value).map(|()| Exit::Done),
        None => absent(&arguments.key),
    }
}

pub(crate) fn put(arguments: &Put) -> Result<Exit, Failure> {
    let mut options = SetOptions::new();
    if let Some(seconds) = arguments.ttl {
        options = options.ttl(Duration::from_secs(seconds));
    }
    let command = operations::set(arguments.key.as_bytes(), &value(&arguments.value)?, &options);
    perform_safely(&arguments.access, &arguments.promise, arguments.safety, command)?.took_effect()?;
    Ok(Exit::Done)
}

pub(crate) fn del(arguments: &Del) -> Result<Exit, Failure> {
    let command = operations::del(arguments.key.as_bytes());
    match perform_safely(&arguments.access, &arguments.promise, arguments.safety, command)?.truth()? {
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
    let command = operations::cas(arguments.key.as_bytes(), expected, new.as_bytes());
    match perform(&arguments.access, &arguments.promise, command)?.took_effect()? {
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
    let command = operations::incr(arguments.key.as_bytes(), arguments.by);
    let new = perform_safely(&arguments.access, &arguments.promise, arguments.safety, command)?.integer()?;
    talk::print(format_args!("{new}")).map(|()| Exit::Done)
}

pub(crate) fn append(arguments: &Append) -> Result<Exit, Failure> {
    let command = operations::append(arguments.key.as_bytes(), &value(&arguments.value)?);
    let length =
        perform_safely(&arguments.access, &arguments.promise, arguments.safety, command)?.integer()?;
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
