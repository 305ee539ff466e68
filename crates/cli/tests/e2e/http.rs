//! The HTTP front, call by call as `docs` and `/openapi.json` describe it.

use crate::support::PATIENCE;
use crate::support::harness::TestCluster;
use crate::support::web::{get, request};
use std::time::Instant;

#[test]
fn keys_are_put_got_and_deleted_under_conditions() {
    let cluster = TestCluster::start(3);
    // Every node answers for every key.
    let at: Vec<&str> = cluster.ids().into_iter().map(|id| &*cluster.node(id).http).collect();
    assert_eq!(get(at[0], "/kvs/k").status, 404);
    let put = request(at[1], "PUT", "/kvs/k", &[], b"one");
    assert_eq!(put.status, 201, "{}", put.text());
    assert_eq!(request(at[2], "PUT", "/kvs/k", &[], b"two").status, 200);
    let got = get(at[0], "/kvs/k");
    assert_eq!((got.status, &*got.body), (200, &b"two"[..]));
    let tag = got.header("etag").expect("a version").to_owned();
    assert!(got.header("as-of").is_some());

    // Compare and set by version.
    assert_eq!(request(at[1], "PUT", "/kvs/k", &[("If-Match", "\"1\"")], b"three").status, 412);
    assert_eq!(request(at[1], "PUT", "/kvs/k", &[("If-Match", &tag)], b"three").status, 200);
    assert_eq!(request(at[1], "PUT", "/kvs/k", &[("If-Match", &tag)], b"four").status, 412);
    assert_eq!(request(at[1], "PUT", "/kvs/k", &[("If-None-Match", "*")], b"five").status, 412);
    assert_eq!(request(at[1], "PUT", "/kvs/new", &[("If-None-Match", "*")], b"six").status, 201);

    assert_eq!(request(at[2], "DELETE", "/kvs/k", &[], b"").status, 200);
    assert_eq!(request(at[2], "DELETE", "/kvs/k", &[], b"").status, 404);

    // Keys are any bytes.
    assert_eq!(request(at[0], "PUT", "/kvs/a%2Fb%20%C3%A9%00", &[], b"odd").status, 201);
    assert_eq!(get(at[1], "/kvs/a%2Fb%20%C3%A9%00").body, b"odd");

    assert_eq!(request(at[0], "PUT", "/kvs/brief?ttl=1s", &[("Deadline", "5s")], b"x").status, 201);
    let end = Instant::now() + PATIENCE;
    while get(at[0], "/kvs/brief").status != 404 {
        assert!(Instant::now() < end, "a key outlives its time to live");
    }
}

#[test]
fn errors_are_problem_documents() {
    let cluster = TestCluster::start(1);
    let at = &cluster.node(1).http;
    let bad = request(at, "PUT", "/kvs/k?ttl=soon", &[], b"x");
    assert_eq!(bad.status, 400);
    assert_eq!(bad.header("content-type"), Some("application/problem+json"));
    assert!(bad.json()["code"].is_string(), "{}", bad.text());
    assert_eq!(get(at, "/nowhere").status, 404);
}

#[test]
fn health_status_metrics_and_the_description_are_there() {
    let cluster = TestCluster::start(1);
    let at = &cluster.node(1).http;
    assert_eq!(get(at, "/healthz").status, 200);
    assert_eq!(get(at, "/readyz").status, 200);
    assert_eq!(get(at, "/admin/status").json()["node"], 1);
    assert!(get(at, "/openapi.json").json()["paths"]["/kvs/{key}"].is_object());
    request(at, "PUT", "/kvs/k", &[], b"x");
    let metrics = get(at, "/metrics").text();
    assert!(metrics.contains("# TYPE"), "{metrics}");
}
