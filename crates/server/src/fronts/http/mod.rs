//! The HTTP front: `/kvs/{key}`, `/conflicts/{key}`, health, status, metrics, and the document that describes them.
//!
//! It runs on `tokio` in a thread of its own, because it is not where speed matters, and hands requests to the core over a channel (`handoff`).
//!
//! * `listener`: connections, few and with time limits. `conditions`: what headers and query say. `kvs`: the keys. `conflicts`: their superseded writes. `achieved`: what replies say besides. `faults`: faults. `admin`: everything else.
//! * `stillness`: a paused node answers nothing here.
//! * `problem`: errors as problem documents (RFC 9457) with stable codes. `openapi`, `parameters`, `onward`: `/openapi.json`.

mod achieved;
mod admin;
mod conditions;
mod conflicts;
mod faults;
mod handoff;
mod kvs;
mod listener;
mod onward;
mod openapi;
mod parameters;
mod problem;
mod stillness;

pub(crate) use handoff::{Calls, Handoff, channel};
pub(crate) use listener::HttpThread;

use crate::fronts::password::Password;
use axum::Router;
use axum::extract::{DefaultBodyLimit, Request, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use base64::Engine;
use problem::Problem;
use std::sync::Arc;
use tokio::sync::Semaphore;

/// Request bodies of all connections together, in KiB.
const BODY_BUDGET_KIB: usize = 64 * 1024;

/// What every handler may use.
#[derive(Clone)]
struct Front {
    handoff: Handoff,
    password: Option<Password>,
    /// In KiB, so that it counts in 32 bits.
    bodies: Arc<Semaphore>,
}

fn router(handoff: Handoff, password: Option<Password>) -> Router {
    let front = Front { handoff, password, bodies: Arc::new(Semaphore::new(BODY_BUDGET_KIB)) };
    let guarded = Router::new()
        .route("/kvs/{*key}", get(kvs::get).put(kvs::put).delete(kvs::delete))
        .route("/kvs/", get(kvs::no_key).put(kvs::no_key).delete(kvs::no_key))
        .route("/conflicts/{*key}", get(conflicts::get))
        .route("/conflicts/", get(conflicts::no_key))
        .route("/admin/status", get(admin::status))
        .route("/admin/faults", get(faults::list).post(faults::make).delete(faults::heal))
        .route("/metrics", get(admin::metrics))
        .route_layer(from_fn_with_state(front.clone(), guard));
    Router::new()
        .route("/healthz", get(admin::healthz))
        .route("/readyz", get(admin::readyz))
        .route("/openapi.json", get(openapi::document))
        .merge(guarded)
        .fallback(nothing_here)
        .method_not_allowed_fallback(wrong_method)
        .layer(DefaultBodyLimit::disable()) // `kvs` reads bodies itself, within its own limit
        .with_state(front)
}

async fn nothing_here() -> Problem {
    Problem::new(StatusCode::NOT_FOUND, "no_such_page", "there is nothing at this path; see /openapi.json")
}

async fn wrong_method() -> Problem {
    Problem::new(
        StatusCode::METHOD_NOT_ALLOWED,
        "method_not_allowed",
        "this path has other methods; see /openapi.json",
    )
}

/// Lets a request through if it carries the password, or there is none.
async fn guard(State(front): State<Front>, request: Request, next: Next) -> Response {
    match &front.password {
        Some(password) if !is_authorized(password, request.headers()) => {
            let mut response = Problem::new(
                StatusCode::UNAUTHORIZED,
                "unauthorized",
                "give the password with HTTP Basic, user `default`",
            )
            .into_response();
            let challenge = header::HeaderValue::from_static("Basic realm=\"quartet\", charset=\"UTF-8\"");
            response.headers_mut().insert(header::WWW_AUTHENTICATE, challenge);
            response
        }
        _ => next.run(request).await,
    }
}

fn is_authorized(password: &Password, headers: &HeaderMap) -> bool {
    let Some(value) = headers.get(header::AUTHORIZATION) else { return false };
    let Some((scheme, credentials)) = value.to_str().ok().and_then(|text| text.split_once(' ')) else {
        return false;
    };
    let Ok(decoded) = base64::engine::general_purpose::STANDARD.decode(credentials.trim()) else {
        return false;
    };
    let Some(colon) = decoded.iter().position(|&byte| byte == b':') else { return false };
    let (user, given) = (&decoded[..colon], &decoded[colon + 1..]);
    scheme.eq_ignore_ascii_case("basic") && (user == b"default" || user.is_empty()) && password.is(given)
}

/// Reads a request as the handlers do; for the fuzz targets. A line with path and query, header lines, a blank line, the body.
pub(crate) fn read_all(bytes: &[u8]) {
    let (head, body) = match bytes.windows(2).position(|pair| pair == b"\n\n") {
        Some(end) => (&bytes[..end], &bytes[end + 2..]),
        None => (bytes, &[][..]),
    };
    let mut lines = head.split(|byte| *byte == b'\n');
    let Ok(uri) = axum::http::Uri::try_from(lines.next().unwrap_or_default()) else { return };
    let mut headers = HeaderMap::new();
    for line in lines {
        let colon = line.iter().position(|byte| *byte == b':').unwrap_or(line.len());
        let value = line.get(colon + 1..).unwrap_or_default().trim_ascii();
        if let (Ok(name), Ok(value)) =
            (header::HeaderName::from_bytes(&line[..colon]), header::HeaderValue::from_bytes(value))
        {
            headers.append(name, value);
        }
    }
    let _ = is_authorized(&Password::new(b"secret"), &headers);
    let _ = kvs::key_behind("/kvs/", &uri);
    if let Ok(options) = conditions::Options::read(&headers, &uri) {
        let _ = options.of_a_read();
        let _ = options.without_expiry();
        assert_eq!(conditions::Options::read(&headers, &uri).ok(), Some(options));
    }
    faults::read_all(body);
}

#[cfg(test)]
mod tests;
