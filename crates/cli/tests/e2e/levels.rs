//! Levels and sessions through every front: each way to say them reaches them, a token carries a session anywhere, and where a promise cannot be kept the answer says so.

use crate::support::PATIENCE;
use crate::support::harness::{QUARTET, TestCluster, expect_exit, run, stderr, stdout};
use crate::support::web::{Response, get, request};
use client::blocking::{Client, Connection};
use client::{ErrorKind, Level, Options, Reply, Session, SetOptions};
use std::process::Command;
use std::time::{Duration, Instant};

/// A Redis connection to a node, which is a session.
struct Talk(Connection);

impl Talk {
    fn to(address: &str) -> Talk {
        Talk(Connection::open(address, None, PATIENCE).expect("the node answers"))
    }

    /// Says a line of words.
    fn say(&mut self, line: &str) -> Reply {
        let words: Vec<&[u8]> = line.split(' ').map(str::as_bytes).collect();
        self.0.call(&words, PATIENCE).expect("a reply")
    }

    /// Says a line of words that is answered by text, or refused.
    #[track_caller]
    fn text(&mut self, line: &str) -> String {
        match self.say(line) {
            Reply::Bulk(bytes) => String::from_utf8_lossy(&bytes).into_owned(),
            Reply::Status(text) | Reply::Error(text) => text.to_string(),
            Reply::Simple(text) => text.to_owned(),
            Reply::Verbatim(_, text) => text,
            other => panic!("{line:?} answered {other:?}"),
        }
    }

    /// Reads with `WITH … META DO GET`; answers the value and what was achieved, or the error.
    fn read(&mut self, key: &str, ladder: &str, options: &str) -> Result<(Option<String>, Meta), String> {
        let line = format!("WITH {key} {ladder} {options} META DO GET {key}").replace("  ", " ");
        let reply = match self.say(&line) {
            Reply::Error(text) => return Err(text.to_string()),
            reply => reply,
        };
        let Reply::Array(pair) = reply else { panic!("no pair: {reply:?}") };
        let Ok([value, Reply::Map(meta)]) = <[Reply; 2]>::try_from(pair) else { panic!("no map") };
        let value = match value {
            Reply::Bulk(bytes) => Some(String::from_utf8_lossy(&bytes).into_owned()),
            _ => None,
        };
        Ok((value, Meta(meta)))
    }

    /// How many answers the node has given at `sequential` to Redis clients.
    fn answered_sequentially(&mut self) -> u64 {
        let info = self.text("INFO stats");
        let line = info.lines().find_map(|line| line.strip_prefix("answers_sequential:"));
        line.and_then(|number| number.trim().parse().ok()).expect("INFO tells")
    }
}

#[derive(Debug)]
struct Meta(Vec<(Reply, Reply)>);

impl Meta {
    fn text(&self, name: &'static str) -> String {
        match self.0.iter().find(|(known, _)| *known == Reply::bulk(name)) {
            Some((_, Reply::Bulk(bytes))) => String::from_utf8_lossy(bytes).into_owned(),
            other => panic!("{name}: {other:?}"),
        }
    }
}

fn code(response: &Response) -> String {
    response.json()["code"].as_str().expect("a code").to_owned()
}

fn changed(token: &str) -> String {
    let last = if token.ends_with('A') { "B" } else { "A" };
    // The last letter of a token holds bits that mean nothing; the one before it is all proof.
    format!("{}{last}{}", &token[..token.len() - 2], &token[token.len() - 1..])
}

#[test]
fn a_session_goes_by_its_token_from_redis_to_http_to_another_node_and_reads_its_own_writes() {
    let cluster = TestCluster::start(3);
    let (mut one, mut three) = (Talk::to(&cluster.node(1).resp), Talk::to(&cluster.node(3).resp));
    for round in 0..40 {
        let (key, other) = (format!("handed:{round}"), format!("handed:back:{round}"));
        assert_eq!(one.text(&format!("SET {key} v{round}")), "OK");
        let token = one.text("SESSION TOKEN");

        // Over HTTP at another node: read there what was written, and write in the same session.
        let said = [("Consistency", "sequential"), ("Session", &*token)];
        let read = request(&cluster.node(2).http, "GET", &format!("/kvs/{key}"), &said, b"");
        assert_eq!((read.status, read.text()), (200, format!("v{round}")));
        assert_eq!(read.header("consistency"), Some("sequential"));
        assert_eq!(read.header("state"), Some("committed"));
        assert!(read.header("age-max").is_some_and(|age| age.ends_with("ms")), "{:?}", read.headers);
        let token = read.header("session").expect("a token").to_owned();
        let said = [("Session", &*token)];
        let wrote = request(&cluster.node(2).http, "PUT", &format!("/kvs/{other}"), &said, b"back");
        assert_eq!(wrote.status, 201, "{}", wrote.text());
        let token = wrote.header("session").expect("a token").to_owned();

        // And over Redis at the third.
        assert_eq!(three.text(&format!("SESSION RESUME {token}")), "OK");
        assert_eq!(three.text(&format!("GET@sequential {key}")), format!("v{round}"));
        assert_eq!(three.text(&format!("GET@sequential {other}")), "back");
        let (value, meta) = one.read(&other, "sequential", &format!("AFTER {token}")).expect("an answer");
        assert_eq!((value.as_deref(), &*meta.text("level")), (Some("back"), "sequential"));
        assert_eq!(meta.text("state"), "committed");
    }
}

#[test]
fn a_token_that_was_forged_or_is_of_another_cluster_is_refused_and_nothing_is_applied() {
    let (cluster, foreign) = (TestCluster::start(1), TestCluster::start(1));
    let (resp, http) = (&*cluster.node(1).resp, &*cluster.node(1).http);
    let mut redis = Talk::to(resp);
    redis.text("SET mine v");
    let own = redis.text("SESSION TOKEN");
    let strangers = Talk::to(&foreign.node(1).resp).text("SESSION TOKEN");
    for (bad, why) in [(&*changed(&own), "was not made by this cluster"), (&*strangers, "of another cluster")]
    {
        let refused = redis.text(&format!("SESSION RESUME {bad}"));
        assert!(refused.starts_with("ERR ") && refused.contains(why), "{refused}");
        assert_eq!(redis.text("SESSION TOKEN"), own, "the session is what it was");
        let refused = redis.text(&format!("WITH k linearizable AFTER {bad} DO SET k v"));
        assert!(refused.starts_with("ERR ") && refused.contains(why), "{refused}");
        for method in ["PUT", "GET", "DELETE"] {
            let refused = request(http, method, "/kvs/k", &[("Session", bad)], b"v");
            assert_eq!((refused.status, &*code(&refused)), (400, "bad_session"), "{}", refused.text());
        }
        assert_eq!(code(&get(http, &format!("/kvs/k?session={bad}"))), "bad_session");
        let output = cluster.quartet(&["put", "k", "v", "--session", bad]);
        expect_exit(&output, 2);
        assert!(stderr(&output).contains(why), "{}", stderr(&output));
        assert_eq!(get(http, "/kvs/k").status, 404, "nothing was applied");
    }
    assert!(redis.text("SESSION RESUME hello").starts_with("ERR "));
    assert_eq!(code(&get(http, "/kvs/k?session=hello")), "bad_session");
}

#[test]
fn every_way_to_say_a_level_reaches_it() {
    let cluster = TestCluster::start_with(1, |plan| {
        let port = plan.port + 8;
        plan.flags.extend(["--level-port".into(), format!("sequential={port}").into()]);
    });
    let node = cluster.node(1);
    let mut redis = Talk::to(&node.resp);
    redis.text("SET k v");
    let mut watch = Talk::to(&node.resp);
    let mut more = |what: &mut dyn FnMut()| {
        let before = watch.answered_sequentially();
        what();
        watch.answered_sequentially() - before
    };
    assert_eq!(more(&mut || drop(redis.text("GET k"))), 0);
    assert_eq!(more(&mut || drop(redis.text("GET@sequential k"))), 1);
    assert_eq!(more(&mut || drop(redis.text("WITH k sequential DO GET k"))), 1);
    assert_eq!(more(&mut || drop(redis.text("WITH k sequential DO SET k v"))), 1);

    // For the connection, until RESET; what a command says itself goes before it.
    assert_eq!(redis.text("CONSISTENCY"), "linearizable");
    assert_eq!(redis.text("CONSISTENCY sequential MAXSTALE 9000 DEADLINE 3000"), "OK");
    assert_eq!(redis.text("CONSISTENCY"), "sequential MAXSTALE 9000 DEADLINE 3000");
    assert_eq!(more(&mut || drop(redis.text("GET k"))), 1);
    assert_eq!(more(&mut || drop(redis.text("GET@linearizable k"))), 0);
    assert!(redis.text("CONSISTENCY sequential MAXSTALE soon").starts_with("ERR "));
    assert_eq!(redis.text("CONSISTENCY"), "sequential MAXSTALE 9000 DEADLINE 3000", "it is as it was");
    assert_eq!(redis.text("RESET"), "RESET");
    assert_eq!(redis.text("CONSISTENCY"), "linearizable");
    assert_eq!(more(&mut || drop(redis.text("GET k"))), 0);

    // For a port.
    let (host, port) = node.resp.rsplit_once(':').expect("an address");
    let mut port = Talk::to(&format!("{host}:{}", port.parse::<u16>().expect("a port") + 8));
    assert_eq!(port.text("CONSISTENCY"), "sequential");
    assert_eq!(more(&mut || drop(port.text("GET k"))), 1);
    assert_eq!(port.text("CONSISTENCY linearizable"), "OK");
    assert_eq!(more(&mut || drop(port.text("GET k"))), 0);
    port.text("RESET");
    assert_eq!(port.text("CONSISTENCY"), "sequential", "RESET is back to what the port stands for");

    // Over HTTP: header, query, both the same; both and different is an error.
    let met = |headers: &[(&str, &str)], path: &str| {
        request(&node.http, "GET", path, headers, b"").header("consistency").map(str::to_owned)
    };
    let sequential = Some("sequential".to_owned());
    assert_eq!(met(&[], "/kvs/k").as_deref(), Some("linearizable"));
    assert_eq!(met(&[("Consistency", "sequential")], "/kvs/k"), sequential);
    assert_eq!(met(&[], "/kvs/k?consistency=sequential&max_staleness=9s"), sequential);
    assert_eq!(met(&[("Consistency", "sequential")], "/kvs/k?consistency=sequential"), sequential);
    assert_eq!(
        met(&[("Max-Staleness", "9s"), ("Deadline", "9s")], "/kvs/none?consistency=sequential"),
        sequential
    );
    let both =
        request(&node.http, "GET", "/kvs/k?consistency=linearizable", &[("Consistency", "sequential")], b"");
    assert_eq!((both.status, &*code(&both)), (400, "contradiction"));
    let metrics = get(&node.http, "/metrics").text();
    assert!(metrics.contains("quartet_answers_total{front=\"http\",level=\"sequential\"} 4"), "{metrics}");

    // On the command line.
    let output =
        cluster.quartet(&["get", "k", "--consistency", "sequential", "--max-staleness", "9s", "--meta"]);
    expect_exit(&output, 0);
    assert_eq!(stdout(&output), "v");
    let meta: serde_json::Value = serde_json::from_str(&stderr(&output)).expect("a line of JSON");
    assert_eq!(
        (&meta["level"], &meta["node"], &meta["state"]),
        (&"sequential".into(), &1.into(), &"committed".into())
    );
    assert_eq!(more(&mut || drop(cluster.quartet(&["incr", "n", "--consistency", "sequential"]))), 1);

    // From Rust.
    let client = cluster.client();
    assert_eq!(more(&mut || drop(client.at(Level::Sequential).get("k"))), 1);
    assert_eq!(more(&mut || drop(client.ask(&["GET@sequential", "k"]))), 1);
}

#[test]
fn a_level_that_nobody_knows_is_an_error_and_so_is_one_that_the_command_has_not() {
    let cluster = TestCluster::start(1);
    let (mut redis, http) = (Talk::to(&cluster.node(1).resp), &*cluster.node(1).http);
    for level in ["strong", "weak", "quorum"] {
        let why = "unknown consistency level";
        for line in
            [format!("SET@{level} k v"), format!("WITH k {level} DO SET k v"), format!("CONSISTENCY {level}")]
        {
            let refused = redis.text(&line);
            assert!(refused.starts_with("LEVEL ") && refused.contains(why), "{line}: {refused}");
        }
        let refused = request(http, "PUT", "/kvs/k", &[("Consistency", level)], b"v");
        assert_eq!((refused.status, &*code(&refused)), (400, "level"), "{}", refused.text());
        assert_eq!(request(http, "PUT", &format!("/kvs/k?consistency={level}"), &[], b"v").status, 400);
        expect_exit(&cluster.quartet(&["put", "k", "v", "--consistency", level]), 2);
    }
    assert_eq!(get(http, "/kvs/k").status, 404, "nothing was applied");
    for line in ["SET@causal k v NX", "WITH k eventual DO SET k v GET", "FLUSHALL@causal", "KEYS@causal *"] {
        let refused = redis.text(line);
        assert!(refused.starts_with("LEVEL this command has no meaning at"), "{line}: {refused}");
    }
    let conditional = [("Consistency", "causal"), ("If-None-Match", "*")];
    let refused = request(http, "PUT", "/kvs/k", &conditional, b"v");
    assert_eq!((refused.status, &*code(&refused)), (400, "level"), "{}", refused.text());
    assert_eq!(get(http, "/kvs/k").status, 404, "nothing was applied");
    let folder = tempfile::tempdir().expect("a folder");
    let start = |option: &str| {
        let data = folder.path().to_str().expect("text");
        run(Command::new(QUARTET).args(["start", "--data", data, "--level-port", option]), b"")
    };
    let output = start("strong=7011");
    expect_exit(&output, 2);
    assert!(stderr(&output).contains("unknown consistency level"), "{}", stderr(&output));
    let taken = cluster.node(1).resp.rsplit_once(':').expect("a port").1;
    let base = taken.parse::<u16>().expect("a number");
    let data = folder.path().to_str().expect("text");
    let ports = [(base + 7).to_string(), (base + 8).to_string(), (base + 9).to_string()];
    let arguments = [
        "start",
        "--data",
        data,
        "--resp-port",
        &ports[0],
        "--http-port",
        &ports[1],
        "--peer-port",
        &ports[2],
    ];
    let output = run(
        Command::new(QUARTET).args(arguments).args(["--level-port", &format!("sequential={taken}")]),
        b"",
    );
    expect_exit(&output, 2);
    assert!(
        stderr(&output).contains("in use") && stderr(&output).contains("--level-port"),
        "{}",
        stderr(&output)
    );
}

#[test]
fn reset_begins_a_new_session_once_all_before_it_is_answered() {
    let cluster = TestCluster::start(1);
    let mut redis = Talk::to(&cluster.node(1).resp);
    let fresh = redis.text("SESSION TOKEN");
    redis.text("SET k v");
    let used = redis.text("SESSION TOKEN");
    assert_ne!(used, fresh);
    redis.text("RESET");
    assert_eq!(redis.text("SESSION TOKEN"), fresh);
    // All in one go: what stands behind RESET waits for what stands before it, and nothing is lost.
    let mut stream = std::net::TcpStream::connect(&cluster.node(1).resp).expect("connected");
    let lines = "SET k 1\r\nINCR k\r\nCONSISTENCY sequential\r\nRESET\r\nSESSION TOKEN\r\nCONSISTENCY\r\nINCR k\r\nQUIT\r\n";
    std::io::Write::write_all(&mut stream, lines.as_bytes()).expect("written");
    let mut said = String::new();
    std::io::Read::read_to_string(&mut stream, &mut said).expect("read");
    assert_eq!(
        said,
        format!(
            "+OK\r\n:2\r\n+OK\r\n+RESET\r\n${}\r\n{fresh}\r\n$12\r\nlinearizable\r\n:3\r\n+OK\r\n",
            fresh.len()
        )
    );
}

#[test]
fn a_ladder_steps_down_on_a_node_that_is_cut_off_and_the_answer_says_so() {
    const LADDER: &str = "linearizable;200ms,sequential";
    let cluster = TestCluster::start(3);
    let mut redis = Talk::to(&cluster.node(1).resp);
    redis.text("SET k v");
    let (_, meta) = redis.read("k", LADDER, "").expect("an answer");
    assert_eq!(meta.text("level"), "linearizable", "as long as all is well");
    // It has reached this node.
    assert_eq!(redis.text("GET@sequential k"), "v");
    cluster.pause(2);
    cluster.pause(3);
    // A lease that was given before they stopped may last a little longer.
    let end = Instant::now() + PATIENCE;
    loop {
        let (value, meta) = Talk::to(&cluster.node(1).resp).read("k", LADDER, "").expect("an answer");
        assert_eq!(value.as_deref(), Some("v"));
        if meta.text("level") == "sequential" {
            break;
        }
        assert!(Instant::now() < end, "a minority keeps answering linearizably");
    }
    let http = &cluster.node(1).http;
    let read = request(http, "GET", "/kvs/k", &[("Consistency", LADDER)], b"");
    assert_eq!(
        (read.status, read.text(), read.header("consistency")),
        (200, "v".to_owned(), Some("sequential"))
    );
    let absent = request(http, "GET", "/kvs/absent", &[("Consistency", LADDER)], b"");
    assert_eq!((absent.status, absent.header("consistency")), (404, Some("sequential")));
    let at = cluster.node(1).resp.clone();
    let output =
        run(Command::new(QUARTET).args(["get", "k", "--at", &at, "--consistency", LADDER, "--meta"]), b"");
    expect_exit(&output, 0);
    assert!(stderr(&output).contains("\"level\":\"sequential\""), "{}", stderr(&output));

    // Where a level was chosen, a lost quorum is told by its name; a write never steps down.
    let refused = redis.read("k", "linearizable", "DEADLINE 300").expect_err("no majority");
    assert!(refused.starts_with("NOQUORUM "), "{refused}");
    redis.text("CONSISTENCY linearizable DEADLINE 300");
    assert!(redis.text("GET k").starts_with("NOQUORUM "));
    let wrote = redis.text(&format!("WITH k {LADDER} DEADLINE 500 DO SET k w"));
    assert!(wrote.starts_with("NOQUORUM ") || wrote.starts_with("UNKNOWN "), "{wrote}");
    cluster.resume(2);
    cluster.resume(3);
}

#[test]
fn a_session_that_has_seen_more_than_the_replica_that_is_left_hears_behind_at_its_deadline() {
    let mut cluster = TestCluster::start(3);
    let client = cluster.client();
    client.set("k", "old", &SetOptions::new()).expect("written");
    let mut one = Talk::to(&cluster.node(1).resp);
    let seen = client.session().token().expect("it has written");
    assert_eq!(
        one.read("k", "sequential", &format!("AFTER {seen}")).expect("an answer").0.as_deref(),
        Some("old")
    );

    // Node 1 is away while the others go on; then it is alone.
    cluster.kill(1);
    client.set("k", "new", &SetOptions::new()).expect("two of three go on");
    let token = client.session().token().expect("it has written");
    cluster.kill_all(&[2, 3]);
    cluster.restart(1).expect("it starts");
    let (resp, http) = (cluster.node(1).resp.clone(), cluster.node(1).http.clone());
    let end = Instant::now() + PATIENCE;
    let mut one = loop {
        if let Ok(connection) = Connection::open(&resp, None, Duration::from_secs(1)) {
            let mut talk = Talk(connection);
            if talk.read("k", "sequential", "DEADLINE 300").is_ok() {
                break talk;
            }
        }
        assert!(Instant::now() < end, "node 1 does not answer");
        std::thread::sleep(Duration::from_millis(50));
    };

    let begin = Instant::now();
    let behind =
        one.read("k", "sequential", &format!("AFTER {token} DEADLINE 600")).expect_err("it is older");
    assert!(behind.starts_with("BEHIND "), "{behind}");
    assert!(begin.elapsed() >= Duration::from_millis(590), "it waited until its deadline");
    let stale = one.read("k", "sequential", "MAXSTALE 100 DEADLINE 300").expect_err("its age is unknown");
    assert!(stale.starts_with("BEHIND "), "{stale}");
    assert_eq!(one.text(&format!("SESSION RESUME {token}")), "OK");
    one.text("CONSISTENCY sequential DEADLINE 300");
    assert!(one.text("GET k").starts_with("BEHIND "));
    // A new session depends on nothing. What a replica knew to be decided before it was killed it may have to be told again: so it may see even less than before, and never more.
    one.text("RESET");
    let seen = one.say("GET@sequential k");
    assert!(seen == Reply::Nil || seen == Reply::bulk("old"), "{seen:?}");

    let said = [("Consistency", "sequential"), ("Session", &*token), ("Deadline", "300ms")];
    let behind = request(&http, "GET", "/kvs/k", &said, b"");
    assert_eq!((behind.status, &*code(&behind)), (503, "behind"));
    assert!(behind.header("retry-after").is_some());
    let output = run(
        Command::new(QUARTET).args([
            "get",
            "k",
            "--at",
            &resp,
            "--consistency",
            "sequential",
            "--session",
            &token,
            "--deadline",
            "900",
        ]),
        b"",
    );
    expect_exit(&output, 5);
    assert!(stderr(&output).contains("behind"), "{}", stderr(&output));
    let options = Options { deadline: Duration::from_millis(900), ..Options::default() };
    let alone = Client::new(&[&resp], options).expect("a client").at(Level::Sequential);
    let session: Session = token.parse().expect("a token");
    assert_eq!(alone.in_session(&session).get("k").expect_err("behind").kind, ErrorKind::Behind);
    let anew = alone.in_session(&Session::new()).get("k").expect("an answer");
    assert_ne!(anew.as_deref(), Some(&b"new"[..]));

    // The same client's try succeeds as soon as the others are back.
    cluster.restart(2).expect("it starts");
    cluster.restart(3).expect("it starts");
    let patient = alone.with_deadline(PATIENCE).in_session(&session);
    assert_eq!(patient.get("k").expect("an answer").as_deref(), Some(&b"new"[..]));
}

#[test]
fn our_own_client_reads_its_own_writes_at_whatever_node() {
    let cluster = TestCluster::start(3);
    let client = cluster.client();
    let anywhere = client.at(Level::Sequential);
    let mut served_by = std::collections::BTreeSet::new();
    for round in 0..60 {
        client.set("own", round.to_string(), &SetOptions::new()).expect("written");
        let answer = anywhere.ask(&["GET", "own"]).expect("read");
        let achieved = answer.achieved.clone().expect("a key");
        assert_eq!(achieved.level, Level::Sequential);
        served_by.insert(achieved.served_by.0);
        assert_eq!(answer.value().expect("a value").as_deref(), Some(round.to_string().as_bytes()));
    }
    assert_eq!(served_by.len(), 3, "reads are spread over all replicas");
    let fresh = anywhere.max_staleness(Duration::from_secs(20)).ask(&["GET", "own"]).expect("read");
    assert!(fresh.achieved.expect("a key").age <= Duration::from_secs(20));
}
