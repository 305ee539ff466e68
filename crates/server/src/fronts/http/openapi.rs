//! `/openapi.json`: the HTTP interface as OpenAPI 3.1 describes it, made from the handlers themselves.

use super::{achieved, admin, conflicts, faults, kvs, onward, problem};
use axum::Json;
use utoipa::OpenApi;
use utoipa::openapi::RefOr;
use utoipa::openapi::header::HeaderBuilder;
use utoipa::openapi::path::Operation;
use utoipa::openapi::schema::{KnownFormat, ObjectBuilder, SchemaFormat, Type};
use utoipa::openapi::security::{Http, HttpAuthScheme, SecurityScheme};

#[derive(OpenApi)]
#[openapi(
    info(title = "Quartet", description = "A distributed key-value store. Every request picks its consistency level: linearizable (unless it says otherwise), sequential, causal or eventual."),
    paths(kvs::get, kvs::put, kvs::delete, conflicts::get, admin::healthz, admin::readyz, admin::status, admin::metrics, faults::list, faults::make, faults::heal, document),
    components(schemas(problem::Problem, conflicts::Conflict, conflicts::ByWhat)),
    security((), ("password" = [])),
    modifiers(&Password, &Told)
)]
pub(super) struct Document;

struct Password;

impl utoipa::Modify for Password {
    fn modify(&self, document: &mut utoipa::openapi::OpenApi) {
        if let Some(components) = document.components.as_mut() {
            components
                .add_security_scheme("password", SecurityScheme::Http(Http::new(HttpAuthScheme::Basic)));
        }
    }
}

/// What every answer from the state says in its headers (`achieved`).
struct Told;

impl utoipa::Modify for Told {
    fn modify(&self, document: &mut utoipa::openapi::OpenApi) {
        const FROM_THE_STATE: [&str; 5] = ["200", "201", "304", "404", "412"];
        let of_keys = document
            .paths
            .paths
            .iter_mut()
            .filter(|(path, _)| path.ends_with("/{key}"))
            .flat_map(|(_, path)| [&mut path.get, &mut path.put, &mut path.delete].into_iter().flatten());
        for operation in of_keys {
            bytes_are_bytes(operation);
            for (status, response) in &mut operation.responses.responses {
                let RefOr::T(response) = response else { continue };
                if FROM_THE_STATE.contains(&status.as_str()) {
                    for (name, meaning) in achieved::HEADERS {
                        let text = ObjectBuilder::new().schema_type(Type::String);
                        let header = HeaderBuilder::new().schema(text).description(Some(meaning));
                        response.headers.insert(name.to_owned(), header.build());
                    }
                }
            }
        }
    }
}

/// A value is bytes, and no list of numbers, which is what the type of its handler says.
fn bytes_are_bytes(operation: &mut Operation) {
    const BYTES: &str = "application/octet-stream";
    let bodies = operation.request_body.iter_mut().filter_map(|body| body.content.get_mut(BYTES));
    let answers = operation.responses.responses.values_mut().filter_map(|response| match response {
        RefOr::T(response) => response.content.get_mut(BYTES),
        RefOr::Ref(_) => None,
    });
    for content in bodies.chain(answers) {
        let format = SchemaFormat::KnownFormat(KnownFormat::Binary);
        content.schema =
            Some(ObjectBuilder::new().schema_type(Type::String).format(Some(format)).build().into());
    }
}

/// This document.
#[utoipa::path(get, path = "/openapi.json", tag = "admin", security(()), responses((status = 200, description = "OpenAPI", body = serde_json::Value, content_type = "application/json")))]
pub(super) async fn document() -> Json<serde_json::Value> {
    Json(as_json())
}

/// What is served.
pub(super) fn as_json() -> serde_json::Value {
    let mut document = serde_json::to_value(Document::openapi()).expect("texts and numbers are valid JSON");
    onward::describe(&mut document);
    document
}
