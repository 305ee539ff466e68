//! Errors as problem documents (RFC 9457): `application/problem+json` with a stable `code` that programs can match on.

use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use proto::error::{ErrorKind, Failure};
use proto::session::BadToken;
use serde::Serialize;
use utoipa::ToSchema;

/// The body of every error.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub(super) struct Problem {
    /// The HTTP status.
    #[schema(value_type = u16)]
    #[serde(serialize_with = "as_number")]
    pub status: StatusCode,
    /// What programs match on; never changes its meaning.
    #[schema(value_type = String)]
    pub code: &'static str,
    /// The status in words.
    #[schema(value_type = String)]
    pub title: &'static str,
    /// What happened and what to do.
    pub detail: String,
    /// The write may have been applied, may yet be, or never.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub maybe_applied: bool,
}

fn as_number<S: serde::Serializer>(status: &StatusCode, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_u16(status.as_u16())
}

/// Whether the node refused the request's session token. Only its sentence has come this far.
fn is_bad_token(failure: &Failure) -> bool {
    BadToken::ALL.iter().any(|bad| bad.to_string() == failure.message)
}

impl Problem {
    /// A problem for which nothing was applied.
    pub(super) fn new(status: StatusCode, code: &'static str, detail: impl Into<String>) -> Problem {
        let title = status.canonical_reason().unwrap_or("Error");
        Problem { status, code, title, detail: detail.into(), maybe_applied: false }
    }

    /// A request that makes no sense.
    pub(super) fn bad_request(code: &'static str, detail: impl Into<String>) -> Problem {
        Problem::new(StatusCode::BAD_REQUEST, code, detail)
    }

    /// A request that got no answer from the state.
    pub(super) fn from_failure(failure: &Failure) -> Problem {
        let (status, code) = match failure.kind {
            ErrorKind::Invalid if is_bad_token(failure) => (StatusCode::BAD_REQUEST, "bad_session"),
            ErrorKind::Invalid => (StatusCode::BAD_REQUEST, "invalid"),
            ErrorKind::Level => (StatusCode::BAD_REQUEST, "level"),
            ErrorKind::NoQuorum => (StatusCode::SERVICE_UNAVAILABLE, "no_quorum"),
            ErrorKind::Behind => (StatusCode::SERVICE_UNAVAILABLE, "behind"),
            ErrorKind::Retry => (StatusCode::SERVICE_UNAVAILABLE, "busy"),
            ErrorKind::Closed => (StatusCode::SERVICE_UNAVAILABLE, "stopping"),
            ErrorKind::OutOfMemory => (StatusCode::INSUFFICIENT_STORAGE, "out_of_memory"),
            ErrorKind::DiskFull => (StatusCode::INSUFFICIENT_STORAGE, "disk_full"),
            ErrorKind::Expired => (StatusCode::CONFLICT, "expired"),
            ErrorKind::Unknown => (StatusCode::GATEWAY_TIMEOUT, "unknown"),
        };
        let maybe_applied = failure.kind == ErrorKind::Unknown;
        Problem { maybe_applied, ..Problem::new(status, code, failure.message.clone()) }
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let body = serde_json::to_vec(&self).expect("a problem is plain text and numbers");
        let mut response = (self.status, body).into_response();
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
        if self.status == StatusCode::SERVICE_UNAVAILABLE {
            headers.insert(header::RETRY_AFTER, HeaderValue::from_static("1"));
        }
        response
    }
}
