//! The shopping cart at causal level: as a set and as a list, from call to call, over a cut, and many at once.

use crate::support::PATIENCE;
use crate::support::harness::{QUARTET, TestCluster, expect_exit, run, stderr, stdout};
use crate::support::split::{heal, isolate};
use cli::cart::{Cart, Entry, Shape};
use cli::visit::{Place, Visit};
use std::process::{Command, Output};
use std::time::{Duration, Instant};

/// A cart's session at one node, which it leaves only when that does not answer.
fn cart(cluster: &TestCluster, name: &str, shape: Shape, node: u64, session: &str) -> Cart {
    Cart::of(name, shape, visit(cluster, node, session))
}

/// Likewise, one that takes its node's word for everything.
fn cart_that_stays(cluster: &TestCluster, name: &str, shape: Shape, node: u64, session: &str) -> Cart {
    Cart::of(name, shape, visit(cluster, node, session).that_stays(true))
}

fn visit(cluster: &TestCluster, node: u64, session: &str) -> Visit {
    let place = |id| Place { node: id, address: cluster.node(id).resp.clone() };
    let places = cluster.ids().into_iter().map(place).collect();
    let home = usize::try_from(node).expect("ids are small") - 1;
    Visit::new(places, home, session.to_owned(), Duration::from_secs(30))
}

fn names(items: &[Entry]) -> Vec<&str> {
    let mut names: Vec<&str> = items.iter().map(|entry| &*entry.item).collect();
    names.sort_unstable();
    names
}

/// Waits until a new session at each node sees exactly these items.
fn settles(cluster: &TestCluster, name: &str, shape: Shape, expected: &[&str]) {
    let end = Instant::now() + PATIENCE;
    for node in cluster.ids() {
        loop {
            let items = cart(cluster, name, shape, node, &format!("look-{node}")).items().expect("read");
            if names(&items) == expected {
                break;
            }
            assert!(Instant::now() < end, "node {node} sees {items:?} and not {expected:?}");
        }
    }
}

/// Waits until each node has this cart decided, and everything that a new session takes over from whoever put things in: a node that is cut off sooner may answer `BEHIND` (`docs/consistency.md`, honest limits).
fn rests(cluster: &TestCluster, name: &str, shape: Shape) {
    /// Letters of a token without dots.
    const WITHOUT_DOTS: usize = 46;
    let end = Instant::now() + PATIENCE;
    for node in cluster.ids() {
        let mut look = cart(cluster, name, shape, node, &format!("rests-{node}"));
        look.items().expect("read");
        while look.visit().token().is_none_or(|token| token.len() > WITHOUT_DOTS) {
            assert!(Instant::now() < end, "node {node} does not hear what is decided");
            look.items().expect("read");
        }
        // The replica becomes as new as what the session has seen.
        look.items().expect("read");
    }
}

#[test]
fn cart_goes_on_from_call_to_call_and_shows_its_own_puts_at_any_node() {
    let cluster = TestCluster::start(3);
    let state = cluster.folder.path().join("cart.json");
    let say = |node: u64, words: &[&str], input: &str| -> Output {
        let mut command = Command::new(QUARTET);
        command.args(["cart", "--at", &cluster.node(node).resp, "--state"]).arg(&state).args(words);
        run(command.env_remove("QUARTET_REQUIREPASS"), input.as_bytes())
    };
    expect_exit(&say(1, &["get"], ""), 2);
    for shape in [&[][..], &["--list"]] {
        expect_exit(&say(1, &[&["login", "alice"], shape].concat(), ""), 0);
        expect_exit(&say(2, &["put", "two apples"], ""), 0);
        expect_exit(&say(3, &["put", "pears"], ""), 0);
        let output = say(1, &["get"], "");
        expect_exit(&output, 0);
        let text = stdout(&output);
        let items: Vec<(&str, &str)> = text.lines().filter_map(|line| line.split_once("  ")).collect();
        assert_eq!(items.iter().map(|&(_, item)| item).collect::<Vec<_>>(), ["two apples", "pears"]);
        let stamps: Vec<u64> = items.iter().map(|(stamp, _)| stamp.parse().expect("a number")).collect();
        assert!(stamps[0] < stamps[1], "each item carries its timestamp: {text}");
        let output = say(2, &["remove", "plums"], "");
        expect_exit(&output, 1);
        assert!(stderr(&output).contains("not in the cart"), "{}", stderr(&output));
        expect_exit(&say(3, &["remove", "two apples"], ""), 0);
        assert!(stdout(&say(1, &["get"], "")).ends_with("  pears\n"));
        expect_exit(&say(2, &["finalize"], ""), 0);
        assert_eq!(stdout(&say(3, &["get"], "")), "");
        // One a line.
        let output = say(1, &[], "put bread\n\nput milk\nremove bread\nget\n");
        expect_exit(&output, 0);
        assert!(stdout(&output).ends_with("  milk\n"), "{}", stdout(&output));
        expect_exit(&say(1, &["finalize"], ""), 0);
    }
    erased_everywhere(&cluster);
}

#[test]
fn cart_goes_on_from_a_session_that_is_named_and_from_the_one_that_was_kept() {
    let mut cluster = TestCluster::start(3);
    let state = cluster.folder.path().join("cart.json");
    let say = |cluster: &TestCluster, node: u64, words: &[&str]| -> Output {
        let mut command = Command::new(QUARTET);
        command.args(["cart", "--at", &cluster.node(node).resp, "--state"]).arg(&state).args(words);
        run(command.env_remove("QUARTET_REQUIREPASS"), b"")
    };
    isolate(&mut cluster, 3);
    expect_exit(&say(&cluster, 3, &["login", "alice"]), 0);
    expect_exit(&say(&cluster, 3, &["put", "tea"]), 0);
    let output = cluster.quartet(&["put", "--meta", "--deadline", "30000", "other", "v"]);
    expect_exit(&output, 0);
    let meta: serde_json::Value = serde_json::from_str(&stderr(&output)).expect("one line of JSON");
    let token = meta["session"].as_str().expect("a token");
    // Nobody has what both sessions have seen: the tea is on one side of the cut, the other write on the other.
    let output = say(&cluster, 1, &["--session", token, "--deadline", "3000", "get"]);
    expect_exit(&output, 5);
    assert_eq!(stdout(&output), "", "an empty cart would be wrong");
    heal(&mut cluster);
    let output = say(&cluster, 1, &["--session", token, "--deadline", "30000", "get"]);
    expect_exit(&output, 0);
    assert!(stdout(&output).ends_with("  tea\n"), "{}", stdout(&output));
}

#[test]
fn cart_edits_on_both_sides_of_a_cut_merge_nothing_added_is_lost_and_nothing_removed_comes_back() {
    let mut cluster = TestCluster::start(3);
    for shape in [Shape::Set, Shape::List] {
        let mut left = cart(&cluster, "both", shape, 1, "left-before");
        for item in ["apples", "bread", "milk"] {
            left.put(item).expect("taken");
        }
        settles(&cluster, "both", shape, &["apples", "bread", "milk"]);
    }
    for shape in [Shape::Set, Shape::List] {
        rests(&cluster, "both", shape);
    }
    isolate(&mut cluster, 3);
    for shape in [Shape::Set, Shape::List] {
        let mut left = cart_that_stays(&cluster, "both", shape, 1, &format!("left-{shape:?}"));
        let mut right = cart_that_stays(&cluster, "both", shape, 3, &format!("right-{shape:?}"));
        assert_eq!(names(&right.items().expect("the other side answers, too")), ["apples", "bread", "milk"]);
        left.put("pears").expect("taken");
        assert!(left.remove("apples").expect("taken"));
        right.put("plums").expect("taken");
        assert!(right.remove("bread").expect("taken"));
        // One side removes what the other puts anew: the new one was not seen, and stays.
        assert!(left.remove("milk").expect("taken"));
        right.put("milk").expect("taken");
        assert_eq!(names(&left.items().expect("read")), ["bread", "pears"]);
        assert_eq!(names(&right.items().expect("read")), ["apples", "milk", "plums"]);
    }
    heal(&mut cluster);
    for shape in [Shape::Set, Shape::List] {
        settles(&cluster, "both", shape, &["milk", "pears", "plums"]);
    }
    // A node dies and returns; the session goes on at the next.
    let mut moving = cart(&cluster, "both", Shape::Set, 2, "moving");
    moving.put("tea").expect("taken");
    moving.items().expect("read");
    cluster.kill(2);
    moving.put("salt").expect("taken at another node");
    assert_eq!(names(&moving.items().expect("read")), ["milk", "pears", "plums", "salt", "tea"]);
    cluster.restart(2).expect("it starts");
    cluster.serves();
    settles(&cluster, "both", Shape::Set, &["milk", "pears", "plums", "salt", "tea"]);
}

#[test]
fn cart_1500_clients_that_finalize_after_each_request_never_ask_the_directory() {
    const CLIENTS: usize = 1_500;
    const THREADS: usize = 20;
    let cluster = TestCluster::start(3);
    // The directory is a consensus group of its own. What it decides is counted by its log, which nobody but its own changes moves.
    let directory = |node| -> (u64, u64) {
        let status = crate::support::web::get(&cluster.node(node).http, "/admin/status").json();
        let group = &status["directory"];
        (group["applied"].as_u64().expect("a number"), group["term"].as_u64().expect("a number"))
    };
    // A node that has just started may still have an entry of before to apply.
    let at_rest = || -> Vec<(u64, u64)> {
        let end = Instant::now() + PATIENCE;
        loop {
            let seen: Vec<_> = (1..=3).map(directory).collect();
            std::thread::sleep(Duration::from_millis(500));
            let again: Vec<_> = (1..=3).map(directory).collect();
            if seen == again && seen.iter().all(|one| *one == seen[0]) {
                return seen;
            }
            assert!(Instant::now() < end, "the directory does not come to rest: {seen:?}, then {again:?}");
        }
    };
    let before = at_rest();
    std::thread::scope(|scope| {
        for thread in 0..THREADS {
            let cluster = &cluster;
            scope.spawn(move || {
                for client in (thread..CLIENTS).step_by(THREADS) {
                    let shape = if client % 2 == 0 { Shape::Set } else { Shape::List };
                    let name = format!("client-{client}");
                    let mut cart = cart(cluster, &name, shape, client as u64 % 3 + 1, &name);
                    cart.put("apples").expect("taken");
                    cart.finalize().expect("erased");
                    assert_eq!(cart.items().expect("read"), []);
                }
            });
        }
    });
    let after = at_rest();
    for (node, (before, after)) in before.into_iter().zip(after).enumerate() {
        // A new leader begins with one entry; clients add none.
        assert!(after.0 - before.0 <= after.1 - before.1, "node {}: {before:?}, then {after:?}", node + 1);
    }
    erased_everywhere(&cluster);
}

/// Waits until there is no key any more.
fn erased_everywhere(cluster: &TestCluster) {
    let end = Instant::now() + PATIENCE;
    while cluster.client().execute(&["DBSIZE"]).expect("asked") != client::Reply::Int(0) {
        assert!(Instant::now() < end, "a finalized cart is erased everywhere");
    }
}
