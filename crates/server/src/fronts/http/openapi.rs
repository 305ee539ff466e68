//! `/openapi.json`: the HTTP interface as OpenAPI 3.1 describes it, made from the handlers themselves.

use super::{admin, faults, kvs, problem};
use axum::Json;
use utoipa::OpenApi;
use utoipa::openapi::security::{Http, HttpAuthScheme, SecurityScheme};

#[derive(OpenApi)]
#[openapi(
    info(title = "Quartet", description = "A distributed key-value store. Every answer is linearizable."),
    paths(kvs::get, kvs::put, kvs::delete, admin::healthz, admin::readyz, admin::status, admin::metrics, faults::list, faults::make, faults::heal, document),
    components(schemas(problem::Problem)),
    security((), ("password" = [])),
    modifiers(&Password)
)]
struct Document;

struct Password;

impl utoipa::Modify for Password {
    fn modify(&self, document: &mut utoipa::openapi::OpenApi) {
        if let Some(components) = document.components.as_mut() {
            components
                .add_security_scheme("password", SecurityScheme::Http(Http::new(HttpAuthScheme::Basic)));
        }
    }
}

/// This document.
#[utoipa::path(get, path = "/openapi.json", tag = "admin", security(()), responses((status = 200, description = "OpenAPI", body = serde_json::Value, content_type = "application/json")))]
pub(super) async fn document() -> Json<utoipa::openapi::OpenApi> {
    Json(Document::openapi())
}
