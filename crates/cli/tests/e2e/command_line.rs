//! Every command that talks to a cluster, and every exit code that `--help` lists.

use crate::support::PATIENCE;
use crate::support::harness::{QUARTET, TestCluster, expect_exit, run, stderr, stdout};
use crate::support::ports::Ports;
use crate::support::web::{get, request};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

#[test]
fn data_commands_print_data_and_end_with_their_codes() {
    let cluster = TestCluster::start(1);
    let output = cluster.quartet(&["get", "k"]);
    expect_exit(&output, 1);
    assert_eq!(stdout(&output), "");
    assert!(stderr(&output).contains("absent"));

    let output = cluster.quartet(&["put", "k", "one"]);
    expect_exit(&output, 0);
    assert_eq!(stdout(&output), "");
    let output = cluster.quartet(&["get", "k"]);
    expect_exit(&output, 0);
    assert_eq!(stdout(&output), "one", "bytes as they are: no newline where nobody reads");

    // Any bytes go in through stdin and come out as they were.
    let bytes: Vec<u8> = (0..=255).cycle().take(100_000).collect();
    expect_exit(&cluster.quartet_with_input(&["put", "raw", "-"], &bytes), 0);
    assert_eq!(cluster.quartet(&["get", "raw"]).stdout, bytes);

    let output = cluster.quartet(&["cas", "k", "wrong", "two"]);
    expect_exit(&output, 3);
    assert!(stderr(&output).contains("nothing was changed"));
    expect_exit(&cluster.quartet(&["cas", "k", "one", "two"]), 0);
    assert_eq!(stdout(&cluster.quartet(&["get", "k"])), "two");
    expect_exit(&cluster.quartet(&["cas", "--absent", "k", "three"]), 3);
    expect_exit(&cluster.quartet(&["cas", "--absent", "new", "three"]), 0);
    expect_exit(&cluster.quartet(&["cas", "k", "two"]), 2);

    let output = cluster.quartet(&["incr", "n"]);
    expect_exit(&output, 0);
    assert_eq!(stdout(&output), "1\n");
    assert_eq!(stdout(&cluster.quartet(&["incr", "n", "-5"])), "-4\n");
    let output = cluster.quartet(&["incr", "k"]);
    expect_exit(&output, 3);
    assert!(stderr(&output).contains("not an integer"), "{}", stderr(&output));

    let output = cluster.quartet(&["append", "k", "!"]);
    expect_exit(&output, 0);
    assert_eq!(stdout(&output), "4\n");

    expect_exit(&cluster.quartet(&["del", "k"]), 0);
    expect_exit(&cluster.quartet(&["del", "k"]), 1);

    expect_exit(&cluster.quartet(&["put", "--ttl", "1", "brief", "x"]), 0);
    let end = Instant::now() + PATIENCE;
    while cluster.quartet(&["get", "brief"]).status.code() != Some(1) {
        assert!(Instant::now() < end, "a key outlives its time to live");
    }

    let huge = vec![b'x'; 9 * 1024 * 1024];
    expect_exit(&cluster.quartet_with_input(&["put", "huge", "-"], &huge), 2);
}

#[test]
fn status_and_where_speak_to_people_and_to_programs() {
    let cluster = TestCluster::start(3);
    let output = cluster.quartet(&["status"]);
    expect_exit(&output, 0);
    let text = stdout(&output);
    assert!(text.contains("serving") && text.contains("LEADER"), "{text}");
    assert!(text.contains(&cluster.node(3).resp), "{text}");

    let json: serde_json::Value =
        serde_json::from_slice(&cluster.quartet(&["status", "--json"]).stdout).expect("JSON");
    assert_eq!(json["nodes"].as_array().map(Vec::len), Some(3));
    assert_eq!(json["shards"].as_array().map(Vec::len), Some(32));

    let output = cluster.quartet(&["where", "foo"]);
    expect_exit(&output, 0);
    assert!(stdout(&output).contains("12182"), "the slot of foo: {}", stdout(&output));
    let json: serde_json::Value =
        serde_json::from_slice(&cluster.quartet(&["where", "--json", "foo"]).stdout).expect("JSON");
    assert_eq!(json["slot"], 12182);
    let mut replicas: Vec<u64> = serde_json::from_value(json["replicas"].clone()).expect("ids");
    replicas.sort_unstable();
    assert_eq!(replicas, [1, 2, 3]);

    // --watch goes on until it is ended; a reader that hangs up ends it well.
    let mut watch = Command::new(QUARTET)
        .args(["status", "--watch", "--json", "--at", &cluster.node(2).resp])
        .stdout(Stdio::piped())
        .spawn()
        .expect("it starts");
    let mut lines =
        std::io::BufRead::lines(std::io::BufReader::new(watch.stdout.take().expect("it is piped")));
    assert!(lines.next().is_some() && lines.next().is_some());
    drop(lines);
    assert_eq!(watch.wait().expect("it ends").code(), Some(0), "a broken pipe is success");
}

#[test]
fn nobody_there_no_quorum_and_bad_usage_have_codes_of_their_own() {
    let ports = Ports::take();
    let nobody = format!("127.0.0.1:{}", ports.base);
    let quartet = |arguments: &[&str]| run(Command::new(QUARTET).args(arguments), b"");
    let output = quartet(&["get", "k", "--at", &nobody, "--deadline", "300"]);
    expect_exit(&output, 5);
    assert!(stderr(&output).contains(&nobody), "{}", stderr(&output));
    expect_exit(&quartet(&["get"]), 2);
    expect_exit(&quartet(&["get", "k", "--at", "nonsense"]), 2);
    expect_exit(&quartet(&["incr", "k", "much"]), 2);
    let output = quartet(&["--help"]);
    expect_exit(&output, 0);
    for code in 0..=7 {
        assert!(stdout(&output).contains(&format!("\n  {code}  ")), "exit code {code} is listed");
    }

    let mut cluster = TestCluster::start(3);
    cluster.kill_all(&[2, 3]);
    let output = cluster.quartet(&["get", "k", "--deadline", "1500"]);
    expect_exit(&output, 5);
    // What a minority may have taken is not "failed".
    let output = cluster.quartet(&["put", "k", "v", "--deadline", "1500"]);
    assert!(matches!(output.status.code(), Some(4 | 5)), "{}", stderr(&output));
}

#[test]
fn a_password_is_asked_for_and_comes_from_a_file_or_the_environment() {
    let cluster = TestCluster::start_with(1, |plan| {
        plan.environment.push(("QUARTET_REQUIREPASS".to_owned(), "sesame".to_owned()));
        plan.password = Some("sesame".to_owned());
    });
    expect_exit(&cluster.quartet(&["put", "k", "v"]), 2);
    let file = cluster.folder.path().join("password");
    std::fs::write(&file, "sesame\n").expect("a file");
    let file = file.to_str().expect("a path that is text");
    expect_exit(&cluster.quartet(&["put", "k", "v", "--requirepass-file", file]), 0);
    let mut command = Command::new(QUARTET);
    command.args(["get", "k", "--at", &cluster.node(1).resp]).env("QUARTET_REQUIREPASS", "sesame");
    expect_exit(&run(&mut command, b""), 0);
    expect_exit(&run(command.env("QUARTET_REQUIREPASS", "wrong"), b""), 2);
    expect_exit(&cluster.quartet(&["get", "k", "--requirepass-file", "/does/not/exist"]), 2);

    // The other front asks for it, too.
    let at = &cluster.node(1).http;
    assert_eq!(get(at, "/kvs/k").status, 401);
    let basic = [("Authorization", "Basic ZGVmYXVsdDpzZXNhbWU=")];
    assert_eq!(request(at, "GET", "/kvs/k", &basic, b"").body, b"v");
}

#[test]
fn check_judges_a_file() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let check = |name: &str, lines: &str| {
        let path = folder.path().join(name);
        std::fs::write(&path, lines).expect("a file");
        run(Command::new(QUARTET).arg("check").arg(&path), b"")
    };
    let set = r#"{"client":"a","op":"set","key":"k","value":"red","invoke":0,"return":900,"status":"ok","version":10}"#;
    let get = |value: &str| {
        format!(
            r#"{{"client":"b","op":"get","key":"k","value":"{value}","invoke":1000,"return":1900,"status":"ok","version":10}}"#
        )
    };
    let good = format!("{set}\n{}\n", get("red"));
    expect_exit(&check("good", &good), 0);
    let output = check("bad", &format!("{set}\n{}\n", get("blue")));
    expect_exit(&output, 6);
    assert!(!stdout(&output).is_empty());
    let output = check("broken", "{\n");
    expect_exit(&output, 2);
    assert!(stderr(&output).contains("line 1"), "{}", stderr(&output));
    expect_exit(&run(Command::new(QUARTET).args(["check", "-"]), good.as_bytes()), 0);
    expect_exit(&run(Command::new(QUARTET).args(["check", "/does/not/exist"]), b""), 2);
    let of_level = |level| run(Command::new(QUARTET).args(["check", "-", "--level", level]), good.as_bytes());
    expect_exit(&of_level("linearizable"), 0);
    expect_exit(&of_level("strong"), 2);

    // A sequential read of what was written, and one that says it is true as of a time when there was a newer write.
    let newer = set.replace("red", "blue").replace(r#""version":10"#, r#""version":20"#);
    let read = |as_of| {
        get("red")
            .replace(r#""version":10"#, &format!(r#""version":10,"as_of":{as_of},"level":"sequential""#))
    };
    expect_exit(&check("sequential", &format!("{set}\n{newer}\n{}\n", read(19))), 0);
    let output = check("stale", &format!("{set}\n{newer}\n{}\n", read(20)));
    expect_exit(&output, 6);
    assert!(stdout(&output).contains("sequential: NO"), "{}", stdout(&output));

    // What breaks it is shown: as text, and as a picture where one is asked for.
    assert!(
        stdout(&output).contains("counterexample at sequential: 3 of 3 operations"),
        "{}",
        stdout(&output)
    );
    let picture = folder.path().join("stale.svg");
    let drawn = |name: &str| {
        let mut command = Command::new(QUARTET);
        run(command.arg("check").arg(folder.path().join(name)).arg("--svg").arg(&picture), b"")
    };
    expect_exit(&drawn("good"), 0);
    assert!(!picture.exists(), "nothing is broken, so there is nothing to draw");
    expect_exit(&drawn("stale"), 6);
    let svg = std::fs::read_to_string(&picture).expect("the picture");
    assert!(svg.starts_with("<svg ") && svg.ends_with("</svg>\n"), "{svg}");
}

#[test]
fn a_deadline_is_kept() {
    let cluster = TestCluster::start(1);
    cluster.pause(1);
    let begin = Instant::now();
    let output = cluster.quartet(&["put", "k", "v", "--deadline", "700"]);
    let took = begin.elapsed();
    cluster.resume(1);
    assert!(matches!(output.status.code(), Some(4 | 5)), "{}", stderr(&output));
    assert!(took >= Duration::from_millis(650), "it gave up after {took:?}");
}
