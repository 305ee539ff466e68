//! The HTTP front over a real socket, without a core behind it: limits, problem documents, the password.
//! What the state answers is tested end to end.

use super::*;
use crate::fronts::http::handoff::channel;
use observe::metrics::Metrics;
use std::io::{Read, Write};
use std::sync::atomic::AtomicUsize;

fn headers(value: &'static str) -> HeaderMap {
    let mut headers = HeaderMap::new();
    headers.insert(header::AUTHORIZATION, header::HeaderValue::from_static(value));
    headers
}

#[test]
fn basic_credentials_are_checked() {
    let password = Password::new(b"secret");
    assert!(is_authorized(&password, &headers("Basic ZGVmYXVsdDpzZWNyZXQ="))); // default:secret
    assert!(is_authorized(&password, &headers("basic OnNlY3JldA=="))); // :secret
    assert!(!is_authorized(&password, &headers("Basic ZGVmYXVsdDp3cm9uZw=="))); // default:wrong
    assert!(!is_authorized(&password, &headers("Basic cm9vdDpzZWNyZXQ="))); // root:secret
    assert!(!is_authorized(&password, &headers("Bearer secret")));
    assert!(!is_authorized(&password, &headers("Basic !!!")));
    assert!(!is_authorized(&password, &HeaderMap::new()));
}

/// Talks to a front whose core is not there: every data request hears that the cluster is not founded.
fn talk(request: &'static str, password: Option<&str>) -> String {
    let poll = mio::Poll::new().expect("a poll");
    let waker = Arc::new(mio::Waker::new(poll.registry(), mio::Token(0)).expect("a waker"));
    let metrics = Arc::new(Metrics::new());
    let (handoff, mut calls) = channel(waker, metrics.clone());
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let at = listener.local_addr().expect("bound");
    let password = password.map(|password| Password::new(password.as_bytes()));
    let thread = HttpThread::start(listener, handoff, password, Arc::new(AtomicUsize::new(0)), metrics)
        .expect("started");
    let client = std::thread::spawn(move || {
        let mut stream = std::net::TcpStream::connect(at).expect("connected");
        // Whoever refuses a long body answers and hangs up before all of it is sent: then sending ends in an error, and reading too, behind the answer.
        let _refused = stream.write_all(request.as_bytes());
        let mut answer = Vec::new();
        let _refused = stream.read_to_end(&mut answer);
        String::from_utf8(answer).expect("text")
    });
    while !client.is_finished() {
        calls.turn_without_core("the cluster is not founded yet");
        std::thread::sleep(std::time::Duration::from_millis(1));
    }
    let answer = client.join().expect("answered");
    thread.join();
    answer
}

fn ask(line: &str, extra: &str) -> String {
    let request = format!("{line} HTTP/1.1\r\nHost: h\r\nConnection: close\r\n{extra}\r\n");
    talk(request.leak(), None)
}

#[test]
fn errors_are_problem_documents_with_codes() {
    let code = |answer: &str, status: &str, code: &str| {
        assert!(answer.starts_with(&format!("HTTP/1.1 {status} ")), "{answer}");
        assert!(
            answer.contains("application/problem+json") && answer.contains(&format!("\"code\":\"{code}\"")),
            "{answer}"
        );
    };
    code(&ask("GET /nowhere", ""), "404", "no_such_page");
    code(&ask("POST /kvs/k", ""), "405", "method_not_allowed");
    code(&ask("GET /kvs/", ""), "400", "no_key");
    code(&ask("GET /conflicts/", ""), "400", "no_key");
    code(&ask("PUT /conflicts/k", ""), "405", "method_not_allowed");
    code(&ask("GET /conflicts/k?if_match=1", ""), "400", "unknown_parameter");
    code(&ask("GET /conflicts/k?consistency=strong", ""), "400", "level");
    code(&ask("GET /conflicts/k", ""), "503", "no_quorum");
    code(&ask("GET /kvs/k?x=1", ""), "400", "unknown_parameter");
    code(&ask("GET /kvs/k?consistency=strong", ""), "400", "level");
    code(&ask("GET /kvs/k", "Consistency: quorum\r\n"), "400", "level");
    code(&ask("PUT /kvs/k", "Content-Length: 8388609\r\n"), "413", "value_too_long");
    let answer = ask("GET /kvs/k", "");
    code(&answer, "503", "no_quorum");
    assert!(answer.to_ascii_lowercase().contains("retry-after: 1"));
    code(&ask("GET /readyz", ""), "503", "not_ready");
    assert!(ask("GET /healthz", "").starts_with("HTTP/1.1 200 "));
}

#[test]
fn a_chunked_body_beyond_the_limit_is_refused() {
    let request: &'static str = format!(
        "PUT /kvs/k HTTP/1.1\r\nHost: h\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\n900000\r\n{}\r\n0\r\n\r\n",
        "x".repeat(0x0090_0000)
    )
    .leak();
    assert!(talk(request, None).contains("value_too_long"));
}

#[test]
fn the_password_guards_data_and_status_but_not_health() {
    let get = |path: &str| -> String {
        talk(format!("GET {path} HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n").leak(), Some("secret"))
    };
    for path in ["/kvs/k", "/conflicts/k", "/admin/status", "/admin/faults", "/metrics"] {
        let answer = get(path);
        assert!(
            answer.starts_with("HTTP/1.1 401 ")
                && answer.to_ascii_lowercase().contains("www-authenticate: basic")
        );
    }
    assert!(get("/healthz").starts_with("HTTP/1.1 200 "));
    let document = get("/openapi.json");
    for path in [
        "/kvs/{key}",
        "/conflicts/{key}",
        "/healthz",
        "/readyz",
        "/admin/status",
        "/admin/faults",
        "/metrics",
    ] {
        assert!(document.contains(&format!("\"{path}\"")), "{path} is not described");
    }
    for said in ["Max-Staleness", "max_staleness", "Idempotency-Key", "Age-Max", "Served-By"] {
        assert!(document.contains(&format!("\"{said}\"")), "{said} is not described");
    }
}

#[test]
fn a_conflict_is_described_as_it_is_told() {
    use proto::superseded::{FIELDS, FIELDS_OF_BY};
    let document = openapi::as_json();
    for (schema, fields) in [("Conflict", &FIELDS[..]), ("ByWhat", &FIELDS_OF_BY)] {
        let described = document["components"]["schemas"][schema]["properties"].as_object();
        let mut described: Vec<&str> = described.expect(schema).keys().map(|name| &**name).collect();
        let mut told = fields.to_vec();
        described.sort_unstable();
        told.sort_unstable();
        assert_eq!(described, told);
    }
    let told = &document["paths"]["/conflicts/{key}"]["get"]["responses"]["200"]["headers"];
    assert!(told["Served-By"].is_object() && told["Consistency"].is_object(), "{told}");
}

#[test]
fn every_link_leads_to_an_operation_that_takes_what_it_brings() {
    let document = openapi::as_json();
    let mut operations = std::collections::BTreeMap::new();
    for path in document["paths"].as_object().expect("paths").values() {
        for operation in path.as_object().expect("operations").values() {
            let id = operation["operationId"].as_str().expect("an id");
            assert!(operations.insert(id, operation).is_none(), "two operations are called {id}");
        }
    }
    let mut links = 0;
    for operation in operations.values() {
        for response in operation["responses"].as_object().expect("responses").values() {
            for link in response["links"].as_object().into_iter().flat_map(|links| links.values()) {
                links += 1;
                let target = operations[link["operationId"].as_str().expect("an operation")];
                for (name, from) in link["parameters"].as_object().expect("parameters") {
                    let (place, name) = name.split_once('.').expect("where it is said, and its name");
                    let taken = target["parameters"].as_array().expect("parameters").iter();
                    let taken =
                        taken.filter(|parameter| parameter["in"] == place && parameter["name"] == name);
                    assert_eq!(taken.count(), 1, "{name} of {link}");
                    let version = from == "$response.header.ETag";
                    assert!(version || from == "$request.path.key", "{from}");
                    assert!(!version || response["headers"]["ETag"].is_object(), "{response}");
                }
            }
        }
    }
    assert!(links >= 16, "{links}");
    let body = &document["paths"]["/kvs/{key}"]["put"]["requestBody"]["content"]["application/octet-stream"];
    assert_eq!(body["schema"]["type"], "string");
}
