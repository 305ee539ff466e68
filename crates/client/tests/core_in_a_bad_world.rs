//! The client's core in a simulated world where nodes refuse, hang up, fall silent and apply what nobody hears of.
//!
//! One counter behind three nodes that all forward to it. Each attempt meets a fate drawn from a seed; the world knows which numbered writes were
//! applied. The promises: a call ends by its deadline; an answer is the answer of the first application; what ends as anything but an
//! answer or *unknown* was never applied; nothing is applied twice.

use client::core::{Attempt, Call, Command, Core, Failed, Step};
use client::{Bytes, Error, ErrorKind, Reply, Terms};
use proto::time::Mono;
use std::collections::BTreeMap;
use std::time::Duration;

const NODES: [&str; 3] = ["a:1", "b:1", "c:1"];
const DEADLINE: Duration = Duration::from_secs(3);
const ATTEMPT: Duration = Duration::from_millis(400);

/// splitmix64
struct Random(u64);

impl Random {
    fn below(&mut self, n: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (z ^ (z >> 31)) % n
    }
}

/// The counter, and the replies that it remembers by number.
#[derive(Default)]
struct World {
    counter: i64,
    remembered: BTreeMap<String, i64>,
}

impl World {
    /// Applies a numbered INCR once; its reply is the first application's.
    fn apply(&mut self, attempt: &Attempt) -> i64 {
        let id = id_of(attempt);
        if let Some(&before) = self.remembered.get(&id) {
            return before;
        }
        self.counter += 1;
        self.remembered.insert(id, self.counter);
        self.counter
    }
}

fn id_of(attempt: &Attempt) -> String {
    let words = &attempt.commands[0];
    let at = words.iter().position(|word| word == "ID").expect("writes are numbered") + 1;
    String::from_utf8(words[at].to_vec()).expect("an id is text")
}

fn all(attempt: &Attempt, reply: Reply) -> Vec<Reply> {
    let slot = |node: &str| {
        let host = node.split(':').next().unwrap_or_default().to_owned();
        Reply::Array(vec![
            Reply::Int(0),
            Reply::Int(16_383),
            Reply::Array(vec![Reply::bulk(host), Reply::Int(1)]),
        ])
    };
    let mut replies = vec![reply];
    if attempt.commands.len() > 1 {
        replies.push(Reply::Array(vec![slot(NODES[1])]));
    }
    replies
}

/// One attempt meets its fate; the time that it took.
fn meet_fate(
    world: &mut World,
    random: &mut Random,
    core: &mut Core,
    call: &mut Call,
    now: Mono,
    attempt: &Attempt,
) -> Mono {
    let certified = |reply| Reply::Array(vec![reply, Reply::Map(Vec::new())]);
    let soon = now + Duration::from_millis(1 + random.below(30));
    let refusals =
        ["CLUSTERDOWN no leader", "TRYAGAIN busy", "NOQUORUM nobody", "LOADING", "MOVED 3 c:1", "MOVED x"];
    match random.below(10) {
        0 => call.failed(soon, core.routing(), Failed::NotSent, "refused"),
        1 => call.failed(soon, core.routing(), Failed::Broken, "hung up before it was read"),
        2 => {
            world.apply(attempt);
            call.failed(soon, core.routing(), Failed::Broken, "hung up after it was applied");
        }
        3 => {
            if random.below(2) == 0 {
                world.apply(attempt);
            }
            call.failed(attempt.until, core.routing(), Failed::TimedOut, "silence");
            return attempt.until;
        }
        4 | 5 => {
            let refusal = refusals[random.below(refusals.len() as u64) as usize];
            call.answered(soon, core.routing(), all(attempt, Reply::error(refusal)));
        }
        6 => {
            if random.below(2) == 0 {
                world.apply(attempt);
            }
            call.answered(soon, core.routing(), all(attempt, Reply::error("UNKNOWN who knows")));
        }
        7 => call.answered(soon, core.routing(), all(attempt, Reply::error("OOM no memory"))),
        _ => {
            let reply = certified(Reply::Int(world.apply(attempt)));
            call.answered(soon, core.routing(), all(attempt, reply));
        }
    }
    soon
}

struct Ended {
    result: Result<i64, Error>,
    at: Mono,
    ids: Vec<String>,
}

fn run(world: &mut World, random: &mut Random, core: &mut Core, begin: Mono) -> Ended {
    let command =
        Command::from_words(vec![Bytes::from_static(b"INCR"), Bytes::from_static(b"n")]).expect("a command");
    let mut call = core.begin(begin, command, Terms::default(), DEADLINE, ATTEMPT);
    let mut now = begin;
    let mut ids = Vec::new();
    let result = loop {
        match call.next(now, core.routing()) {
            Step::Done(result) => break result,
            Step::Wait(until) => {
                assert!(until > now, "waiting must get on");
                now = until;
            }
            Step::Attempt(attempt) => {
                assert!(attempt.until > now && attempt.until <= begin + DEADLINE);
                ids.push(id_of(&attempt));
                now = meet_fate(world, random, core, &mut call, now, &attempt);
            }
        }
    };
    core.finish(&mut call);
    let result = result.map(|answer| match answer.reply {
        Reply::Int(n) => n,
        other => panic!("{other:?}"),
    });
    Ended { result, at: now, ids }
}

#[test]
fn every_end_is_true() {
    let mut kinds = BTreeMap::new();
    for seed in 0..3_000 {
        let mut random = Random(seed);
        let mut world = World::default();
        let addresses: Vec<String> = NODES.iter().map(|node| (*node).to_owned()).collect();
        let mut core = Core::new(&addresses, u128::from(seed)).expect("a core");
        let mut now = Mono(0);
        let mut used: Vec<String> = Vec::new();
        for _ in 0..5 {
            let begin = now;
            let ended = run(&mut world, &mut random, &mut core, begin);
            now = ended.at;
            assert!(
                now - begin <= DEADLINE + Duration::from_millis(30),
                "seed {seed}: a call ends by its deadline"
            );
            assert!(
                ended.ids.windows(2).all(|pair| pair[0] == pair[1]),
                "seed {seed}: one number for all tries"
            );
            let applied = ended.ids.first().and_then(|id| world.remembered.get(id)).copied();
            if let Some(id) = ended.ids.first() {
                assert!(!used.contains(id), "seed {seed}: a number is used for one write");
                used.push(id.clone());
            }
            match &ended.result {
                Ok(n) => assert_eq!(applied, Some(*n), "seed {seed}: the first application's answer"),
                Err(error) if error.kind == ErrorKind::Unknown => {}
                Err(error) => assert_eq!(applied, None, "seed {seed}: {error}, and yet it was applied"),
            }
            *kinds.entry(ended.result.as_ref().err().map(|error| error.kind)).or_insert(0) += 1;
        }
    }
    // The world was bad enough to show each end, and good enough for most to succeed.
    for kind in [None, Some(ErrorKind::Unknown), Some(ErrorKind::Refused)] {
        assert!(kinds.get(&kind).is_some_and(|&count| count > 50), "{kinds:?}");
    }
}

#[test]
fn the_same_seed_gives_the_same_words() {
    let trace = |seed| {
        let mut random = Random(seed);
        let mut world = World::default();
        let mut core = Core::new(&["a:1".to_owned()], 1).expect("a core");
        let ended = run(&mut world, &mut random, &mut core, Mono(0));
        (ended.result, ended.at, ended.ids)
    };
    for seed in 0..100 {
        assert_eq!(trace(seed), trace(seed));
    }
}
