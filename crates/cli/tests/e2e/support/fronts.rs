//! One question through either front: the same promise is demanded of the Redis protocol and of HTTP, in the same words.

use super::PATIENCE;
use super::harness::TestCluster;
use super::web::request;
use cli::visit;
use client::Reply;
use client::blocking::Connection;

/// A door of a node.
#[derive(Clone, Debug)]
pub(crate) enum Front {
    Redis(String),
    Http(String),
}

/// What is asked for besides the operation.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Wish<'a> {
    /// A level or a ladder.
    pub(crate) consistency: &'a str,
    pub(crate) after: Option<&'a str>,
    pub(crate) max_staleness_ms: Option<u64>,
    pub(crate) deadline_ms: u64,
}

/// An answer from the state.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Told {
    /// What was read; nothing for a write and for an absent key.
    pub(crate) value: Option<String>,
    pub(crate) level: String,
    pub(crate) state: String,
    pub(crate) token: Option<String>,
}

/// A wish for this level, which may take half a second.
pub(crate) fn at(consistency: &str) -> Wish<'_> {
    Wish { consistency, deadline_ms: 500, ..Wish::default() }
}

impl<'a> Wish<'a> {
    pub(crate) fn after(self, token: &'a str) -> Wish<'a> {
        Wish { after: Some(token), ..self }
    }

    pub(crate) fn within_ms(self, deadline_ms: u64) -> Wish<'a> {
        Wish { deadline_ms, ..self }
    }
}

/// Both doors of a node.
pub(crate) fn fronts(cluster: &TestCluster, node: u64) -> [Front; 2] {
    let node = cluster.node(node);
    [Front::Redis(node.resp.clone()), Front::Http(node.http.clone())]
}

impl Front {
    /// Reads a string; an error is its word: `NOQUORUM`, `BEHIND`, `UNKNOWN`, `LEVEL`…
    pub(crate) fn get(&self, key: &str, wish: Wish<'_>) -> Result<Told, String> {
        self.ask(key, None, false, wish)
    }

    pub(crate) fn set(&self, key: &str, value: &str, wish: Wish<'_>) -> Result<Told, String> {
        self.ask(key, Some(value), false, wish)
    }

    pub(crate) fn del(&self, key: &str, wish: Wish<'_>) -> Result<Told, String> {
        self.ask(key, None, true, wish)
    }

    fn ask(&self, key: &str, value: Option<&str>, del: bool, wish: Wish<'_>) -> Result<Told, String> {
        match self {
            Front::Redis(address) => {
                let inner = match (value, del) {
                    (Some(value), _) => vec!["SET", key, value],
                    (None, true) => vec!["DEL", key],
                    (None, false) => vec!["GET", key],
                };
                redis(address, &inner, wish)
            }
            Front::Http(address) => {
                let method = match (value, del) {
                    (Some(_), _) => "PUT",
                    (None, true) => "DELETE",
                    (None, false) => "GET",
                };
                http(address, method, key, value.unwrap_or_default(), wish)
            }
        }
    }
}

fn redis(address: &str, inner: &[&str], wish: Wish<'_>) -> Result<Told, String> {
    let (deadline, staleness) =
        (wish.deadline_ms.to_string(), wish.max_staleness_ms.map(|ms| ms.to_string()));
    let mut words = vec!["WITH", inner[1], wish.consistency];
    words.extend(wish.after.iter().flat_map(|token| ["AFTER", token]));
    words.extend(staleness.iter().flat_map(|ms| ["MAXSTALE", ms]));
    words.extend(["DEADLINE", &deadline, "META", "DO"]);
    words.extend(inner);
    let words: Vec<&[u8]> = words.iter().map(|word| word.as_bytes()).collect();
    let mut connection = Connection::open(address, None, PATIENCE).expect("clients reach every node");
    let reply = connection.call(&words, PATIENCE).expect("it answers");
    let (reply, met) =
        visit::taken_apart(reply).map_err(|text| text.split(' ').next().unwrap_or_default().to_owned())?;
    let value = match (&reply, inner[0]) {
        (Reply::Bulk(bytes), "GET") => Some(String::from_utf8_lossy(bytes).into_owned()),
        _ => None,
    };
    let level = met.level.expect("a level").name().to_owned();
    Ok(Told { value, level, state: met.state, token: met.token })
}

fn http(address: &str, method: &str, key: &str, body: &str, wish: Wish<'_>) -> Result<Told, String> {
    let deadline = format!("{}ms", wish.deadline_ms);
    let staleness = wish.max_staleness_ms.map(|ms| format!("{ms}ms"));
    let mut headers = vec![("Consistency", wish.consistency), ("Deadline", &deadline)];
    headers.extend(wish.after.map(|token| ("Session", token)));
    headers.extend(staleness.as_deref().map(|span| ("Max-Staleness", span)));
    let response = request(address, method, &format!("/kvs/{key}"), &headers, body.as_bytes());
    let header = |name| response.header(name).map(str::to_owned);
    // An absent key is an answer: it says at which level.
    match (response.status, header("consistency")) {
        (200..300 | 404, Some(level)) => Ok(Told {
            value: (method == "GET" && response.status == 200).then(|| response.text()),
            level,
            state: header("state").expect("a state"),
            token: header("session"),
        }),
        _ => {
            let code = response.json()["code"].as_str().expect("a code").to_owned();
            Err(match &*code {
                "no_quorum" => "NOQUORUM".to_owned(),
                other => other.to_ascii_uppercase(),
            })
        }
    }
}
