//! `/conflicts/{key}`: the newest writes of a key that were superseded, and by what.
//!
//! A path of its own, because everything behind `/kvs/` is a key, slashes too: `/kvs/a/conflicts` is the key `a/conflicts`. It is a read, with a read's levels, sessions and headers; what is decided is all that it can tell.

use super::Front;
use super::conditions::Options;
use super::kvs::{ask, key_behind, unexpected};
use super::parameters::{SaidInHeaders, SaidInQuery};
use super::problem::Problem;
use axum::Json;
use axum::extract::State;
use axum::http::{HeaderMap, Uri};
use axum::response::{IntoResponse, Response};
use proto::command::Command;
use proto::ops::{Condition, KeyRead, Read};
use proto::slots::slot_of;
use proto::superseded::Superseded;
use serde::Serialize;
use utoipa::ToSchema;

/// The answer.
#[derive(Serialize, ToSchema)]
pub(super) struct Conflicts {
    /// The key that was asked for; what of it is no text is shown as `�`.
    key: String,
    /// The newest writes that lost, oldest first.
    #[schema(value_type = Vec<Conflict>)]
    conflicts: Vec<Superseded>,
}

/// A write that was superseded, in whole or in part.
#[derive(ToSchema)]
#[allow(dead_code)] // a description: `proto::superseded` makes them
pub(super) struct Conflict {
    /// What was lost, as a command without its key, cut short
    write: String,
    /// The write's own operation: what `Dot` named when it was taken
    operation: String,
    /// When it was taken: a timestamp
    taken: String,
    /// The same in milliseconds since the Unix epoch
    taken_ms: u64,
    /// What it lost to
    superseded_by: ByWhat,
    /// When that was decided: a timestamp
    decided: String,
    /// The same in milliseconds since the Unix epoch
    decided_ms: u64,
}

/// What a write lost to.
#[derive(ToSchema)]
#[allow(dead_code)] // likewise
pub(super) struct ByWhat {
    /// `strong write`: one that it had not seen. `newer write`: a tentative one. `floor`: it had seen less than deletions are remembered for. `value`: what the key held when it was decided, on which the command answers an error
    what: String,
    /// The newer write's own operation
    operation: Option<String>,
    /// The winner's version; `floor`: how far deletions are forgotten
    at: Option<String>,
}

/// The newest writes of a key that were superseded.
#[utoipa::path(get, path = "/conflicts/{key}", operation_id = "get_conflicts", tag = "kvs",
    params(
        ("key" = String, Path, description = "The key, percent-encoded"),
        SaidInHeaders,
        SaidInQuery,
    ),
    responses(
        (status = 200, description = "The writes; none is an empty list", body = Conflicts, content_type = "application/json"),
        (status = 400, description = "The request makes no sense; code `level`, `bad_session`, `contradiction` and others", body = Problem, content_type = "application/problem+json"),
        (status = 401, description = "The password is missing; code `unauthorized`", body = Problem, content_type = "application/problem+json"),
        (status = 503, description = "Nobody could answer in time; code `no_quorum`, `behind` or `busy`", body = Problem, content_type = "application/problem+json"),
    ))]
pub(super) async fn get(
    State(front): State<Front>,
    headers: HeaderMap,
    uri: Uri,
) -> Result<Response, Problem> {
    let key = key_behind("/conflicts/", &uri)?;
    let options = Options::read(&headers, &uri)?;
    options.of_a_read()?;
    if options.condition != Condition::Always {
        return Err(Problem::bad_request("unknown_parameter", "conditions belong to /kvs"));
    }
    let read = Read::Key(KeyRead::Conflicts { key: key.clone() });
    let command = Command::Read { slot: slot_of(&key), read };
    let (reply, told) = ask(&front, "conflicts", command, &options).await?;
    let Some(conflicts) = Superseded::read(&reply) else { return Err(unexpected(reply)) };
    let key = String::from_utf8_lossy(&key).into_owned();
    // The version that is told is the key's and not the list's.
    Ok(told.on(Json(Conflicts { key, conflicts }).into_response(), false))
}

/// `/conflicts/` names no key.
pub(super) async fn no_key() -> Problem {
    Problem::bad_request("no_key", "the path names no key; write /conflicts/KEY")
}
