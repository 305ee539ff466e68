//! Where an answer leads, as `/openapi.json` says it: links from what was answered to what can be asked next about the same key.
//!
//! A program that follows them (a tester, a generated client) writes, reads what it wrote, writes over the version that it read, deletes
//! it, and finds it gone.
//!
//! Invariant: a link names an operation and parameters that are in the document; a test holds that.

use utoipa::openapi::RefOr;
use utoipa::openapi::link::Link;
use utoipa::openapi::path::Operation;

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

/// Adds the links to an operation of `/kvs/{key}`.
pub(super) fn describe(operation: &mut Operation) {
    let id = operation.operation_id.clone().unwrap_or_default();
    for (_, status, links) in LINKS.iter().filter(|(from, ..)| *from == id) {
        let Some(RefOr::T(response)) = operation.responses.responses.get_mut(*status) else { continue };
        for onward in *links {
            let mut link =
                Link::builder().operation_id(onward.operation).parameter("path.key", "$request.path.key");
            if let Some(header) = onward.version_in {
                link = link.parameter(format!("header.{header}"), ETAG);
            }
            response.links.insert(onward.name.to_owned(), RefOr::T(link.build()));
        }
    }
}
