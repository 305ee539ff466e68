//! `quartet run`: files of requests at all levels, all at once, against real nodes.

use crate::support::harness::{TestCluster, expect_exit, stderr, stdout};
use serde_json::Value;
use std::path::PathBuf;
use std::process::Output;

/// A file of lines in the cluster's folder.
fn file(cluster: &TestCluster, name: &str, lines: &str) -> String {
    let path: PathBuf = cluster.folder.path().join(name);
    std::fs::write(&path, lines).expect("a file");
    path.to_str().expect("a path that is text").to_owned()
}

fn objects(output: &Output) -> Vec<Value> {
    let lines = stdout(output);
    lines.lines().map(|line| serde_json::from_str(line).expect("one object a line")).collect()
}

/// The objects of one client, in the order of its lines.
fn of<'a>(objects: &'a [Value], client: &str) -> Vec<&'a Value> {
    objects.iter().filter(|object| object["client"] == client).collect()
}

#[test]
fn run_sends_all_files_at_once_each_at_its_node_and_reports_by_level() {
    let cluster = TestCluster::start(3);
    let names: Vec<String> = (0..4)
        .map(|index| {
            let lines = format!(
                "1, 1, own:{index} ::: one\n2,2,own:{index}\n\n  3 , 1 ,own:{index}:::three  \n3,2, own:{index}\n4, 1, loose:{index} ::: four\n4, 2, loose:{index}\n"
            );
            file(&cluster, &format!("session-{index}.txt"), &lines)
        })
        .collect();
    let mut words = vec!["run", "--json"];
    words.extend(names.iter().map(String::as_str));
    words.extend(["1, 1, single ::: here", "1, 2, single", "--each", "4, 2, nobody:wrote:this"]);
    let output = cluster.quartet(&words);
    expect_exit(&output, 0);
    let objects = objects(&output);
    let (report, objects) = objects.split_last().expect("there are lines");
    for (index, name) in names.iter().enumerate() {
        let mine = of(objects, name);
        let lines: Vec<u64> = mine.iter().map(|object| object["line"].as_u64().expect("a number")).collect();
        assert_eq!(lines, [1, 2, 4, 5, 6, 7, 8], "lines count from 1, blank ones too; --each comes last");
        for object in &mine {
            assert_eq!(object["node"], index as u64 % 3 + 1, "{object}");
            assert_eq!((&object["ok"], &object["error"]), (&true.into(), &Value::Null), "{object}");
            assert!(object["ms"].as_f64().is_some_and(|ms| ms > 0.0), "{object}");
        }
        let values: Vec<&Value> = mine.iter().map(|object| &object["value"]).collect();
        assert_eq!(values[..4], ["one", "one", "three", "three"], "a session reads its own writes");
        assert_eq!((&mine[6]["op"], values[6]), (&"get".into(), &Value::Null), "absent is an answer");
        assert_eq!(mine[0]["version"], mine[1]["version"], "what was written is what was read");
    }
    let single = of(objects, "command line");
    assert_eq!((&single[1]["value"], &single[1]["node"]), (&"here".into(), &2.into()), "the fifth client");
    let mut ids: Vec<&str> = objects.iter().filter_map(|object| object["id"].as_str()).collect();
    assert_eq!(ids.len(), 4 * 7 + 3);
    ids.sort_unstable();
    ids.dedup();
    assert_eq!(ids.len(), 4 * 7 + 3, "no two requests have the same id");
    let count = |level: &str| report["report"][level]["count"].as_u64().expect("a number");
    assert_eq!((count("linearizable"), count("sequential"), count("causal")), (6, 4, 8));
    assert_eq!((count("eventual"), count("malformed")), (13, 0));
    let row = &report["report"]["causal"];
    assert_eq!(row["failures"], 0);
    assert!(row["p50"].as_f64() <= row["p99"].as_f64() && row["p50"].is_f64(), "{row}");
}

#[test]
fn run_names_malformed_lines_and_failures_and_sends_the_rest() {
    let cluster = TestCluster::start(1);
    expect_exit(&cluster.quartet(&["run", "1, 1, k ::: v"]), 0);
    let name = file(&cluster, "odd.txt", "1, 1, a ::: 1\n7, 1, a ::: 2\nstrange\n1, 1, a\n1, 2, a\n");
    let output = cluster.quartet(&["run", "--json", &name]);
    expect_exit(&output, 2);
    let all = objects(&output);
    let mine = of(&all, &name);
    let errors: Vec<(u64, bool)> = mine
        .iter()
        .map(|object| (object["line"].as_u64().expect("a number"), object["error"].is_string()))
        .collect();
    assert_eq!(errors, [(1, false), (2, true), (3, true), (4, true), (5, false)]);
    assert!(
        mine[1]["error"].as_str().is_some_and(|error| error.starts_with(&format!("{name}:2: "))),
        "{}",
        mine[1]
    );
    assert_eq!((&mine[4]["value"], &mine[4]["ok"]), (&"1".into(), &true.into()), "the rest runs on");
    assert_eq!(all.last().expect("a report")["report"]["malformed"]["count"], 3);

    // For a person: the same, a log, and a table.
    let output = cluster.quartet(&["run", &name]);
    expect_exit(&output, 2);
    let text = stdout(&output);
    assert!(text.contains(&format!("{name}:2  malformed: ")), "{text}");
    assert!(text.contains("in the order in which they were sent") && text.contains("FAILURES"), "{text}");

    // What the data refuses is a failure of that line alone.
    cluster.client().execute(&["SADD", "set", "member"]).expect("written");
    let output = cluster.quartet(&["run", "--json", "1, 2, set", "1, 2, k"]);
    expect_exit(&output, 3);
    let all = objects(&output);
    assert!(all[0]["error"].as_str().is_some_and(|error| error.contains("WRONGTYPE")), "{}", all[0]);
    assert_eq!(all[1]["value"], "v");

    for words in [&["run"][..], &["run", "/does/not/exist"], &["run", "--each", "5, 5, 5"]] {
        let output = cluster.quartet(words);
        expect_exit(&output, 2);
        assert!(!stderr(&output).is_empty());
    }
}

#[test]
fn run_goes_on_at_another_node_unless_it_is_pinned() {
    let mut cluster = TestCluster::start(3);
    let lines = "1, 1, k ::: v\n2, 2, k\n";
    let names: Vec<String> = (0..3).map(|index| file(&cluster, &format!("{index}.txt"), lines)).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    cluster.kill(2);
    cluster.serves();
    let words = |options: &[&'static str]| [&["run", "--json"], options, &names].concat();
    let output = cluster.quartet(&words(&["--deadline", "20000"]));
    expect_exit(&output, 0);
    let second: Vec<Value> = of(&objects(&output), names[1]).into_iter().cloned().collect();
    assert!(second.iter().all(|object| object["node"] == 3), "the next node does it: {second:?}");

    let output = cluster.quartet(&words(&["--pin", "--deadline", "1000"]));
    let all = objects(&output);
    let failed = |name| of(&all, name).iter().all(|object| object["ok"] == false && object["node"] == 2);
    assert!(failed(names[1]), "{all:?}");
    assert!(of(&all, names[0]).iter().all(|object| object["ok"] == true), "{all:?}");
    expect_exit(&output, 5);
}
