//! Health, status and metrics: what probes, people and Prometheus ask for.
//!
//! Health and readiness need no password, because probes have none and they tell nothing about the data.

use super::Front;
use super::problem::Problem;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};

const JSON: [(header::HeaderName, &str); 1] = [(header::CONTENT_TYPE, "application/json")];

/// The process runs and answers.
#[utoipa::path(get, path = "/healthz", tag = "health", security(()), responses((status = 200, description = "The process runs", body = String)))]
pub(super) async fn healthz() -> &'static str {
    "ok\n"
}

/// The node serves: every shard that it holds has a leader that it knows.
#[utoipa::path(get, path = "/readyz", tag = "health", security(()), responses(
    (status = 200, description = "The node serves", body = String),
    (status = 503, description = "Not yet, or not now; code `not_ready`", body = Problem, content_type = "application/problem+json"),
))]
pub(super) async fn readyz(State(front): State<Front>) -> Response {
    match front.handoff.ready().await {
        Ok(()) => "ready\n".into_response(),
        Err(why) => Problem::new(StatusCode::SERVICE_UNAVAILABLE, "not_ready", why).into_response(),
    }
}

/// The cluster as this node sees it: nodes, who hears whom, shards, leaders, terms, lags.
#[utoipa::path(get, path = "/admin/status", tag = "admin", responses(
    (status = 200, description = "The status", body = serde_json::Value, content_type = "application/json"),
    (status = 401, description = "The password is missing; code `unauthorized`", body = Problem, content_type = "application/problem+json"),
    (status = 503, description = "No status yet; code `not_ready`", body = Problem, content_type = "application/problem+json"),
))]
pub(super) async fn status(State(front): State<Front>) -> Response {
    match front.handoff.status().await {
        Some(json) => (JSON, json).into_response(),
        None => Problem::new(StatusCode::SERVICE_UNAVAILABLE, "not_ready", "the cluster is not founded yet")
            .into_response(),
    }
}

/// Counters and histograms for Prometheus.
#[utoipa::path(get, path = "/metrics", tag = "admin", responses(
    (status = 200, description = "OpenMetrics text", body = String, content_type = "application/openmetrics-text"),
    (status = 401, description = "The password is missing; code `unauthorized`", body = Problem, content_type = "application/problem+json"),
))]
pub(super) async fn metrics(State(front): State<Front>) -> Response {
    match front.handoff.metrics().await {
        Some(text) => {
            let kind = "application/openmetrics-text; version=1.0.0; charset=utf-8";
            ([(header::CONTENT_TYPE, kind)], text).into_response()
        }
        None => {
            Problem::new(StatusCode::SERVICE_UNAVAILABLE, "stopping", "the node is stopping").into_response()
        }
    }
}
