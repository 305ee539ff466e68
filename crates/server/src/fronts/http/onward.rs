//! Where an answer leads, as `/openapi.json` says it: links from what was answered to what can be asked next about the same key.
//!
//! A program that follows them (a tester, a generated client) writes, reads what it wrote, writes over the version that it read, deletes
//! it, and finds it gone.
//!
//! Written into the document's JSON: the library's own links come out under names that OpenAPI does not know.
//!
//! Invariant: a link names an operation and parameters that are in the document; a test holds that.

use serde_json::{Map, Value, json};

/// The version in the answer.
const ETAG: &str = "$response.header.ETag";

/// From a status of an operation: name, operation, what it says besides the key.
const LINKS: &[(&str, &str, &[Onward])] = &[
    ("put_key", "200", WRITTEN),
    ("put_key", "201", WRITTEN),
    ("put_key", "412", &[Onward { name: "ReadIt", operation: "get_key", version_in: None }]),
    (
        "get_key",
        "200",
        &[
            Onward { name: "IsItStillSo", operation: "get_key", version_in: Some("If-None-Match") },
            Onward { name: "WriteOverIt", operation: "put_key", version_in: Some("If-Match") },
            Onward { name: "DeleteIt", operation: "delete_key", version_in: Some("If-Match") },
            Onward { name: "WhatLost", operation: "get_conflicts", version_in: None },
        ],
    ),
    ("get_key", "404", &[Onward { name: "WriteIt", operation: "put_key", version_in: None }]),
    (
        "delete_key",
        "200",
        &[
            Onward { name: "ReadIt", operation: "get_key", version_in: None },
            Onward { name: "DeleteItAgain", operation: "delete_key", version_in: None },
            Onward { name: "WriteItAgain", operation: "put_key", version_in: None },
        ],
    ),
];

const WRITTEN: &[Onward] = &[
    Onward { name: "ReadIt", operation: "get_key", version_in: None },
    Onward { name: "WriteOverIt", operation: "put_key", version_in: Some("If-Match") },
    Onward { name: "DeleteIt", operation: "delete_key", version_in: Some("If-Match") },
    Onward { name: "WhatLost", operation: "get_conflicts", version_in: None },
];

/// What can be asked next.
struct Onward {
    name: &'static str,
    operation: &'static str,
    /// The header that takes the version of the answer.
    version_in: Option<&'static str>,
}

/// Adds the links to the document.
pub(super) fn describe(document: &mut Value) {
    for (from, status, links) in LINKS {
        let of_operation = |operation: &&mut Value| operation["operationId"] == *from;
        let paths = document["paths"].as_object_mut().into_iter().flat_map(Map::values_mut);
        let operations = paths.filter_map(Value::as_object_mut).flat_map(Map::values_mut);
        for operation in operations.filter(of_operation) {
            let Some(response) = operation["responses"].get_mut(*status) else { continue };
            response["links"] = links.iter().map(|onward| (onward.name.to_owned(), onward.link())).collect();
        }
    }
}

impl Onward {
    fn link(&self) -> Value {
        let mut parameters = json!({ "path.key": "$request.path.key" });
        if let Some(header) = self.version_in {
            parameters[format!("header.{header}")] = json!(ETAG);
        }
        json!({ "operationId": self.operation, "parameters": parameters })
    }
}
