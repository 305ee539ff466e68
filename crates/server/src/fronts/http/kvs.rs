//! `/kvs/{key}`: one value under one key, with its version as ETag.
//!
//! The key is the rest of the path, percent-decoded: any bytes, slashes too. A body is the value as it is.

use super::Front;
use super::achieved::Told;
use super::conditions::Options;
use super::parameters::{SaidInHeaders, SaidInQuery};
use super::problem::Problem;
use axum::body::{Body, to_bytes};
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use percent_encoding::percent_decode_str;
use proto::command::Command;
use proto::limits::{MAX_KEY_BYTES, MAX_VALUE_BYTES};
use proto::ops::{Condition, KeyWrite, Read, StringRead, StringWrite, Write};
use proto::outcome::Outcome;
use proto::reply::Reply;
use proto::slots::slot_of;
use std::time::Duration;

/// How long a body may take to arrive, and to be let in.
pub(super) const BODY_TIMEOUT: Duration = Duration::from_secs(30);

/// Reads a value.
#[utoipa::path(get, path = "/kvs/{key}", operation_id = "get_key", tag = "kvs",
    params(
        ("key" = String, Path, description = "The key, percent-encoded"),
        SaidInHeaders,
        SaidInQuery,
        ("If-None-Match" = Option<String>, Header, description = "Answer 304 if the value still has this version"),
    ),
    responses(
        (status = 200, description = "The value", body = Vec<u8>, content_type = "application/octet-stream"),
        (status = 304, description = "The value still has that version"),
        (status = 400, description = "The request makes no sense; code `level`, `bad_session`, `contradiction` and others", body = Problem, content_type = "application/problem+json"),
        (status = 401, description = "The password is missing; code `unauthorized`", body = Problem, content_type = "application/problem+json"),
        (status = 404, description = "There is no such key at the level asked; code `not_found`", body = Problem, content_type = "application/problem+json"),
        (status = 503, description = "Nobody could answer in time; code `no_quorum`, `behind` or `busy`", body = Problem, content_type = "application/problem+json"),
    ))]
pub(super) async fn get(
    State(front): State<Front>,
    headers: HeaderMap,
    uri: Uri,
) -> Result<Response, Problem> {
    let key = key_behind("/kvs/", &uri)?;
    let options = Options::read(&headers, &uri)?;
    options.of_a_read()?;
    let read = Read::String(StringRead::Get { key: key.clone() });
    let (reply, told) = ask(&front, "get", Command::Read { slot: slot_of(&key), read }, &options).await?;
    let version = told.certificate.version;
    let is_there = matches!(reply, Reply::Bulk(_));
    let holds = match &options.condition {
        Condition::AnyVersion(versions) => is_there && versions.contains(&version),
        Condition::Present => is_there,
        _ => true,
    };
    if !holds {
        return Ok(told.on(precondition_failed().into_response(), is_there));
    }
    let is_known = match &options.condition {
        Condition::NoVersion(versions) => is_there && versions.contains(&version),
        Condition::Absent => is_there,
        _ => false,
    };
    let response = match reply {
        _ if is_known => StatusCode::NOT_MODIFIED.into_response(),
        Reply::Bulk(value) => ([(header::CONTENT_TYPE, "application/octet-stream")], value).into_response(),
        Reply::Nil => not_found().into_response(),
        other => unexpected(other).into_response(),
    };
    Ok(told.on(response, is_there))
}

/// Writes a value.
#[utoipa::path(put, path = "/kvs/{key}", operation_id = "put_key", tag = "kvs", request_body(content = Vec<u8>, content_type = "application/octet-stream"),
    params(
        ("key" = String, Path, description = "The key, percent-encoded"),
        ("ttl" = Option<String>, Query, description = "Time to live: seconds, or 500ms, 10s, 5m, 2h"),
        SaidInHeaders,
        SaidInQuery,
        ("If-Match" = Option<String>, Header, description = "Write only over this version, or over any (*)"),
        ("If-None-Match" = Option<String>, Header, description = "Write only if the key is absent (*), or has another version"),
    ),
    responses(
        (status = 200, description = "Replaced"),
        (status = 201, description = "Created"),
        (status = 400, description = "The request makes no sense; code `level`, `bad_session`, `contradiction` and others", body = Problem, content_type = "application/problem+json"),
        (status = 401, description = "The password is missing; code `unauthorized`", body = Problem, content_type = "application/problem+json"),
        (status = 412, description = "The condition does not hold; code `precondition_failed`", body = Problem, content_type = "application/problem+json"),
        (status = 413, description = "The value is too long; code `value_too_long`", body = Problem, content_type = "application/problem+json"),
        (status = 503, description = "Nothing was applied; code `no_quorum` or `busy`", body = Problem, content_type = "application/problem+json"),
        (status = 504, description = "It may have been applied; code `unknown`", body = Problem, content_type = "application/problem+json"),
        (status = 507, description = "The memory limit is reached, code `out_of_memory`; or the disk is nearly full, code `disk_full`", body = Problem, content_type = "application/problem+json"),
    ))]
pub(super) async fn put(
    State(front): State<Front>,
    headers: HeaderMap,
    uri: Uri,
    body: Body,
) -> Result<Response, Problem> {
    let key = key_behind("/kvs/", &uri)?;
    let options = Options::read(&headers, &uri)?;
    let (value, _held) = read_body(&front, &headers, body).await?;
    let (expiry, condition) = (options.expiry, options.condition.clone());
    let write = Write::String(StringWrite::Put { key: key.clone(), value, expiry, condition });
    let (reply, told) = ask(&front, "put", Command::Write { slot: slot_of(&key), write }, &options).await?;
    let response = match reply {
        Reply::Int(1) => StatusCode::CREATED.into_response(),
        Reply::Int(_) => StatusCode::OK.into_response(),
        Reply::Nil => precondition_failed().into_response(),
        other => unexpected(other).into_response(),
    };
    let is_there = response.status().is_success();
    Ok(told.on(response, is_there))
}

/// Deletes a key.
#[utoipa::path(delete, path = "/kvs/{key}", operation_id = "delete_key", tag = "kvs",
    params(
        ("key" = String, Path, description = "The key, percent-encoded"),
        SaidInHeaders,
        SaidInQuery,
        ("If-Match" = Option<String>, Header, description = "Delete only this version"),
    ),
    responses(
        (status = 200, description = "Deleted"),
        (status = 400, description = "The request makes no sense; code `level`, `bad_session`, `contradiction` and others", body = Problem, content_type = "application/problem+json"),
        (status = 401, description = "The password is missing; code `unauthorized`", body = Problem, content_type = "application/problem+json"),
        (status = 404, description = "There is no such key at the level asked; code `not_found`", body = Problem, content_type = "application/problem+json"),
        (status = 412, description = "The condition does not hold; code `precondition_failed`", body = Problem, content_type = "application/problem+json"),
        (status = 503, description = "Nothing was applied; code `no_quorum` or `busy`", body = Problem, content_type = "application/problem+json"),
        (status = 504, description = "It may have been applied; code `unknown`", body = Problem, content_type = "application/problem+json"),
    ))]
pub(super) async fn delete(
    State(front): State<Front>,
    headers: HeaderMap,
    uri: Uri,
) -> Result<Response, Problem> {
    let key = key_behind("/kvs/", &uri)?;
    let options = Options::read(&headers, &uri)?;
    options.without_expiry()?;
    let write = Write::Key(KeyWrite::Delete { key: key.clone(), condition: options.condition.clone() });
    let (reply, told) =
        ask(&front, "delete", Command::Write { slot: slot_of(&key), write }, &options).await?;
    let response = match reply {
        Reply::Int(1) => StatusCode::OK.into_response(),
        Reply::Int(_) => not_found().into_response(),
        Reply::Nil => precondition_failed().into_response(),
        other => unexpected(other).into_response(),
    };
    Ok(told.on(response, false))
}

/// `/kvs/` names no key.
pub(super) async fn no_key() -> Problem {
    Problem::bad_request("no_key", "the path names no key; write /kvs/KEY")
}

/// The key that a path names: everything behind its beginning.
pub(super) fn key_behind(beginning: &str, uri: &Uri) -> Result<Bytes, Problem> {
    let path = uri.path().strip_prefix(beginning).unwrap_or_default();
    let key: Vec<u8> = percent_decode_str(path).collect();
    if key.len() > MAX_KEY_BYTES {
        return Err(Problem::bad_request("key_too_long", format!("a key has at most {MAX_KEY_BYTES} bytes")));
    }
    Ok(Bytes::from(key))
}

/// The value, and the share of the front's memory that it holds.
async fn read_body(
    front: &Front,
    headers: &HeaderMap,
    body: Body,
) -> Result<(Bytes, tokio::sync::OwnedSemaphorePermit), Problem> {
    let too_long = || {
        Problem::new(
            StatusCode::PAYLOAD_TOO_LARGE,
            "value_too_long",
            format!("a value has at most {MAX_VALUE_BYTES} bytes"),
        )
    };
    let announced =
        headers.get(header::CONTENT_LENGTH).and_then(|length| length.to_str().ok()?.parse::<u64>().ok());
    let most = announced.unwrap_or(MAX_VALUE_BYTES as u64);
    if most > MAX_VALUE_BYTES as u64 {
        return Err(too_long());
    }
    let kib = u32::try_from(most / 1024 + 1).expect("at most 8 MiB");
    let slow =
        || Problem::new(StatusCode::REQUEST_TIMEOUT, "body_too_slow", "the body did not arrive in time");
    let busy = || {
        Problem::new(
            StatusCode::SERVICE_UNAVAILABLE,
            "busy",
            "too many bodies are arriving at once; try again",
        )
    };
    let permit = tokio::time::timeout(BODY_TIMEOUT, front.bodies.clone().acquire_many_owned(kib)).await;
    let permit = permit.map_err(|_| busy())?.map_err(|_| busy())?;
    let value =
        tokio::time::timeout(BODY_TIMEOUT, to_bytes(body, MAX_VALUE_BYTES)).await.map_err(|_| slow())?;
    let value = value.map_err(|error| {
        let is_limit = std::error::Error::source(&error)
            .is_some_and(|source| source.is::<http_body_util::LengthLimitError>());
        if is_limit { too_long() } else { Problem::bad_request("bad_body", "the body was cut short") }
    })?;
    Ok((value, permit))
}

/// Asks the core.
pub(super) async fn ask(
    front: &Front,
    name: &'static str,
    command: Command,
    options: &Options,
) -> Result<(Reply, Told), Problem> {
    match front.handoff.data(name, options.request(command)).await {
        (Outcome::Done { reply, certificate }, achieved) => Ok((reply, Told { certificate, achieved })),
        (Outcome::Failed(failure), _) => Err(Problem::from_failure(&failure)),
    }
}

fn not_found() -> Problem {
    Problem::new(StatusCode::NOT_FOUND, "not_found", "there is no such key")
}

fn precondition_failed() -> Problem {
    Problem::new(
        StatusCode::PRECONDITION_FAILED,
        "precondition_failed",
        "the condition does not hold; nothing was changed",
    )
}

/// An error of the command's own, such as a value of another type.
pub(super) fn unexpected(reply: Reply) -> Problem {
    match reply {
        Reply::Error(text) if text.starts_with("WRONGTYPE") => {
            Problem::new(StatusCode::CONFLICT, "wrong_type", text)
        }
        Reply::Error(text) => Problem::bad_request("refused", text),
        other => Problem::new(
            StatusCode::INTERNAL_SERVER_ERROR,
            "internal",
            format!("an unexpected reply: {other:?}"),
        ),
    }
}
