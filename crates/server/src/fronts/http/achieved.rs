//! The headers that say what a request achieved: on every answer from the state, also where it says "no such key" or "the condition does not hold".
//!
//! An error that the state did not give has none of them: its session is the one that it was asked in.

use axum::http::HeaderValue;
use axum::response::Response;
use proto::outcome::{Achieved, Certificate};

/// Their names, and what they mean.
pub(super) const HEADERS: [(&str, &str); 9] = [
    ("Consistency", "The level that was met"),
    (
        "Session",
        "The session after this request, as a token: send it along to go on from here, at any node and at any front",
    ),
    ("ETag", "The version of the value; not there if the key is not"),
    (
        "As-Of",
        "Sequential: where the answer stands in the one order of the cluster. Linearizable: the last entry that the leader had applied. Causal and eventual: the last entry that the replica had applied",
    ),
    ("Age-Max", "The state that answered was at most so old, as far as the nodes' clocks can be trusted"),
    (
        "State",
        "committed: what is told is decided for good. tentative: not all of it is, so it may still change",
    ),
    ("Dot", "A tentative write's own operation, under which the conflict log names it; not there otherwise"),
    (
        "Dots",
        "The tentative operations that the answer rests on and that are not known to be decided; not there if there are none",
    ),
    ("Served-By", "The node whose state answered"),
];

/// What is known about an answer from the state.
#[derive(Debug)]
pub(super) struct Told {
    pub certificate: Certificate,
    pub achieved: Achieved,
}

impl Told {
    /// Says it on a response. `has_version`: a value is there, and its version is the answer's.
    pub(super) fn on(&self, mut response: Response, has_version: bool) -> Response {
        let (certificate, achieved) = (&self.certificate, &self.achieved);
        let headers = response.headers_mut();
        let mut insert = |name: &'static str, value: &str| {
            headers.insert(name, HeaderValue::from_str(value).expect("digits, letters and quotes"));
        };
        if has_version {
            insert("etag", &format!("\"{}\"", certificate.version));
        }
        if let Some(token) = &achieved.token {
            insert("session", token);
        }
        insert("consistency", achieved.level.name());
        insert("as-of", &certificate.as_of.to_string());
        insert("age-max", &format!("{}ms", achieved.age_ms));
        insert("state", achieved.state.name());
        if let Some(dot) = achieved.dot {
            insert("dot", &dot.to_string());
        }
        if !achieved.dots.is_empty() {
            let dots: Vec<String> = achieved.dots.iter().map(|dot| dot.to_string()).collect();
            insert("dots", &dots.join(", "));
        }
        insert("served-by", &certificate.served_by.to_string());
        response
    }
}
