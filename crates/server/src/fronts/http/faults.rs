//! `/admin/faults`: what is cut and slow, as each node knows it; cutting, slowing, pausing and healing.

use super::Front;
use super::problem::Problem;
use crate::faults::{FaultError, FaultErrorKind, Report, Wish};
use axum::body::{Body, to_bytes};
use axum::extract::State;
use axum::http::{StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};
use proto::ids::NodeId;
use serde::Deserialize;
use utoipa::ToSchema;

/// The longest body that makes sense is far shorter.
const MAX_BODY_BYTES: usize = 4 * 1024;

/// A fault to be made.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct NewFault {
    /// `cut` (two nodes), `oneway` (what the first says to the second), `isolate` (one node from all others), `delay` (two nodes, or none for all links), `pause` (one node), or `heal` (two nodes, or none for all).
    fault: String,
    /// The nodes, by number.
    #[serde(default)]
    nodes: Vec<u64>,
    /// How long a paused node stands still: `500ms`, `5s`; 10 s unless said, a minute at most.
    #[serde(default, rename = "for")]
    span: Option<String>,
    /// How long a slow link holds each frame, in each direction, in milliseconds: 1 to 1000.
    #[serde(default)]
    ms: Option<u64>,
}

/// What is to be healed.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Healing {
    /// The two nodes whose link is to be whole again; left out for everything.
    #[serde(default)]
    nodes: Vec<u64>,
}

/// What is cut and slow now, as each node knows it.
#[utoipa::path(get, path = "/admin/faults", tag = "admin", responses(
    (status = 200, description = "The faults", body = Report, content_type = "application/json"),
    (status = 401, description = "The password is missing; code `unauthorized`", body = Problem, content_type = "application/problem+json"),
    (status = 403, description = "The node was started without --allow-faults; code `faults_not_allowed`", body = Problem, content_type = "application/problem+json"),
    (status = 503, description = "Not now; code `not_ready`", body = Problem, content_type = "application/problem+json"),
))]
pub(super) async fn list(State(front): State<Front>) -> Result<Response, Problem> {
    carry_out(&front, Wish::List).await
}

/// Makes a fault. Answered when every node that it concerns has it.
#[utoipa::path(post, path = "/admin/faults", tag = "admin", request_body(content = NewFault, content_type = "application/json"), responses(
    (status = 200, description = "It is done", body = Report, content_type = "application/json"),
    (status = 400, description = "It makes no sense, nothing was done; code `bad_fault` or `bad_body`", body = Problem, content_type = "application/problem+json"),
    (status = 401, description = "The password is missing; code `unauthorized`", body = Problem, content_type = "application/problem+json"),
    (status = 403, description = "A node was started without --allow-faults; code `faults_not_allowed`", body = Problem, content_type = "application/problem+json"),
    (status = 503, description = "Not now; code `not_ready`", body = Problem, content_type = "application/problem+json"),
    (status = 504, description = "A node did not answer and may yet do it; code `unknown`", body = Problem, content_type = "application/problem+json"),
))]
pub(super) async fn make(State(front): State<Front>, body: Body) -> Result<Response, Problem> {
    let body = read(body).await?;
    let NewFault { fault, nodes, span, ms } = parse(&body)?;
    let nodes: Vec<_> = nodes.into_iter().map(NodeId).collect();
    carry_out(&front, Wish::new(&fault, &nodes, span.as_deref(), ms).map_err(problem)?).await
}

/// Heals everything, or the link between two nodes.
#[utoipa::path(delete, path = "/admin/faults", tag = "admin", request_body(content = Option<Healing>, content_type = "application/json"), responses(
    (status = 200, description = "It is healed", body = Report, content_type = "application/json"),
    (status = 400, description = "It makes no sense, nothing was done; code `bad_fault`, `bad_body` or `unknown_parameter`", body = Problem, content_type = "application/problem+json"),
    (status = 401, description = "The password is missing; code `unauthorized`", body = Problem, content_type = "application/problem+json"),
    (status = 403, description = "A node was started without --allow-faults; code `faults_not_allowed`", body = Problem, content_type = "application/problem+json"),
    (status = 503, description = "Not now; code `not_ready`", body = Problem, content_type = "application/problem+json"),
    (status = 504, description = "A node did not answer and may yet do it; code `unknown`", body = Problem, content_type = "application/problem+json"),
))]
pub(super) async fn heal(State(front): State<Front>, uri: Uri, body: Body) -> Result<Response, Problem> {
    if uri.query().is_some_and(|query| !query.is_empty()) {
        // Else a mistaken `?nodes=1,2` would heal everything.
        return Err(Problem::bad_request(
            "unknown_parameter",
            "say which link in the body: {\"nodes\":[1,2]}",
        ));
    }
    let body = read(body).await?;
    let healing: Option<Healing> = if body.is_empty() { None } else { parse(&body)? };
    let nodes: Vec<_> = healing.into_iter().flat_map(|healing| healing.nodes).map(NodeId).collect();
    carry_out(&front, Wish::new("heal", &nodes, None, None).map_err(problem)?).await
}

async fn read(body: Body) -> Result<axum::body::Bytes, Problem> {
    let read = tokio::time::timeout(super::kvs::BODY_TIMEOUT, to_bytes(body, MAX_BODY_BYTES)).await;
    read.ok().and_then(Result::ok).ok_or_else(|| {
        Problem::bad_request(
            "bad_body",
            "the body did not arrive, or is far longer than any that makes sense",
        )
    })
}

fn parse<'a, T: Deserialize<'a>>(body: &'a [u8]) -> Result<T, Problem> {
    let bad = |why: &dyn std::fmt::Display| {
        Problem::bad_request(
            "bad_body",
            format!(
                "the body is not what /openapi.json describes ({why}); such as {{\"fault\":\"cut\",\"nodes\":[1,2]}}"
            ),
        )
    };
    // The library reads a list of fields, too: then a mistaken `[]` would heal everything.
    if body.trim_ascii_start().first() == Some(&b'[') {
        return Err(bad(&"a list, where an object belongs"));
    }
    serde_json::from_slice(body).map_err(|error| bad(&error))
}

async fn carry_out(front: &Front, wish: Wish) -> Result<Response, Problem> {
    let report = front.handoff.fault(wish).await.map_err(problem)?;
    let json = serde_json::to_string(&report).expect("texts and numbers are valid JSON");
    Ok(([(header::CONTENT_TYPE, "application/json")], json).into_response())
}

fn problem(error: FaultError) -> Problem {
    let (status, code) = match error.kind {
        FaultErrorKind::Invalid => (StatusCode::BAD_REQUEST, "bad_fault"),
        FaultErrorKind::NotAllowed | FaultErrorKind::Partly => (StatusCode::FORBIDDEN, "faults_not_allowed"),
        FaultErrorKind::NotReady => (StatusCode::SERVICE_UNAVAILABLE, "not_ready"),
        FaultErrorKind::Unanswered => (StatusCode::GATEWAY_TIMEOUT, "unknown"),
    };
    let maybe_applied = matches!(error.kind, FaultErrorKind::Partly | FaultErrorKind::Unanswered);
    Problem { maybe_applied, ..Problem::new(status, code, error.sentence) }
}

/// Reads bodies as the handlers do; for the fuzz targets.
pub(super) fn read_all(body: &[u8]) {
    if let Ok(NewFault { fault, nodes, span, ms }) = parse(body) {
        let nodes: Vec<_> = nodes.into_iter().map(NodeId).collect();
        let _ = Wish::new(&fault, &nodes, span.as_deref(), ms);
    }
    let _ = parse::<Healing>(body);
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Found by schemathesis.
    #[test]
    fn a_list_is_no_fault_and_heals_nothing() {
        assert!(parse::<Healing>(b" []").is_err() && parse::<Option<Healing>>(b"[[1,2]]").is_err());
        assert!(parse::<NewFault>(b"[\"cut\",[1,2]]").is_err());
        assert_eq!(
            parse::<Healing>(b" {\"nodes\":[1,2]}").ok().map(|healing| healing.nodes),
            Some(vec![1, 2])
        );
    }
}
