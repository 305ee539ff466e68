//! The table is sound, and the parser says what Redis says.

use super::*;
use crate::ops::{Condition, SetExpiry, StringWrite, Write};

fn argv(line: &str) -> Vec<Bytes> {
    line.split(' ').map(|word| Bytes::copy_from_slice(word.as_bytes())).collect()
}

fn refusal(line: &str) -> String {
    match parse_request(&argv(line)) {
        Err(Reply::Error(text)) => text,
        other => panic!("{line}: {other:?}"),
    }
}

fn command(line: &str) -> Command {
    parse(&argv(line)).unwrap_or_else(|reply| panic!("{line}: {reply:?}"))
}

#[test]
fn rows_are_sorted_and_none_is_also_later() {
    assert!(table().windows(2).all(|pair| pair[0].name < pair[1].name));
    assert!(LATER.windows(2).all(|pair| pair[0] < pair[1]));
    for row in table() {
        assert!(!LATER.contains(&row.name), "{}", row.name);
        assert!(row.name.len() < 48 && row.name == row.name.to_ascii_lowercase());
        if let Some(container) = row.container() {
            assert!(lookup(container.as_bytes()).is_some());
        }
    }
}

#[test]
fn every_row_is_found_in_any_case_by_its_own_name() {
    for row in table() {
        assert_eq!(lookup(row.name.to_ascii_uppercase().as_bytes()).map(|found| found.name), Some(row.name));
    }
    assert!(lookup(b"").is_none() && lookup(&[b'x'; 100]).is_none());
}

#[test]
fn unknown_commands_are_refused_in_the_words_of_redis() {
    assert_eq!(refusal("foo a b"), "ERR unknown command 'foo', with args beginning with: 'a' 'b' ");
    assert_eq!(refusal("foo"), "ERR unknown command 'foo', with args beginning with: ");
    assert_eq!(refusal("object|help"), "ERR unknown command 'object|help', with args beginning with: ");
    assert_eq!(refusal("object nosuch k"), "ERR unknown subcommand 'nosuch'. Try OBJECT HELP.");
    assert_eq!(refusal("XADD s * f v"), "ERR not supported yet: XADD (see docs/redis.md)");
    assert_eq!(refusal("client kill x"), "ERR not supported yet: CLIENT KILL (see docs/redis.md)");
    assert!(refusal("cluster meet a 1").starts_with("ERR not supported yet: CLUSTER MEET;"));
    assert!(refusal("get@strong k").starts_with("LEVEL unknown consistency level 'strong'"));
    assert!(refusal("ping@sequential").starts_with("ERR 'ping' is not a command on keys"));
    assert!(refusal("session@sequential token").starts_with("ERR 'session' is not a command on keys"));
}

#[test]
fn wrong_numbers_of_arguments_are_refused_by_name() {
    assert_eq!(refusal("GET"), "ERR wrong number of arguments for 'get' command");
    assert_eq!(refusal("get a b"), "ERR wrong number of arguments for 'get' command");
    assert_eq!(refusal("client setname"), "ERR wrong number of arguments for 'client|setname' command");
    assert_eq!(refusal("object"), "ERR wrong number of arguments for 'object' command");
    assert_eq!(refusal("mset a 1 b"), "ERR wrong number of arguments for 'mset' command");
}

#[test]
fn set_takes_all_its_options_and_no_contradictions() {
    let Command::Write { write: Write::String(StringWrite::Set { expiry, condition, get, .. }), .. } =
        command("set k v xx GET ex 10")
    else {
        panic!()
    };
    assert_eq!((expiry, condition, get), (SetExpiry::AfterMs(10_000), Condition::Present, true));
    let Command::Write { write: Write::String(StringWrite::Set { expiry, condition, .. }), .. } =
        command("set k v IFEQ old keepttl")
    else {
        panic!()
    };
    assert_eq!((expiry, condition), (SetExpiry::Keep, Condition::Equals("old".into())));
    for bad in [
        "set k v nx xx",
        "set k v ex 10 px 10",
        "set k v keepttl ex 10",
        "set k v ex",
        "set k v foo",
        "set k v ifeq",
        "set k v ifeq a nx",
        "set k v ifeq a ifne b",
    ] {
        assert_eq!(refusal(bad), "ERR syntax error", "{bad}");
    }
    for bad in
        ["set k v ex 0", "set k v px -1", "set k v ex 10000000000000000", "set k v px 9223372036854775807"]
    {
        assert_eq!(refusal(bad), "ERR invalid expire time in 'set' command", "{bad}");
    }
    assert_eq!(refusal("setex k 0 v"), "ERR invalid expire time in 'setex' command");
    assert_eq!(refusal("set k v ex abc"), "ERR value is not an integer or out of range");
}

#[test]
fn expire_checks_ranges_and_options() {
    assert_eq!(refusal("expire k 9223370399119966"), "ERR invalid expire time in 'expire' command");
    assert_eq!(refusal("expire k -9223372036854775808"), "ERR invalid expire time in 'expire' command");
    assert_eq!(refusal("pexpire k 9223372036854770000"), "ERR invalid expire time in 'pexpire' command");
    assert_eq!(refusal("expire k 1 AB"), "ERR Unsupported option AB");
    assert!(refusal("expire k 1 nx gt").starts_with("ERR NX and XX, GT or LT options"));
    assert!(refusal("expire k 1 lt gt").starts_with("ERR GT and LT options"));
    command("pexpireat k 9223372036854775807");
    command("expire k -9999 xx lt");
}

#[test]
fn keys_of_one_slot_go_to_one_shard_and_others_are_scattered_or_refused() {
    assert!(matches!(command("mget {a}1 {a}2"), Command::Read { .. }));
    assert!(matches!(command("mget a b"), Command::MGet { .. }));
    assert!(matches!(command("del {a}1 {a}2"), Command::Write { .. }));
    assert!(matches!(command("unlink a b"), Command::Del { .. }));
    assert!(matches!(command("touch a b"), Command::Exists { .. }));
    for line in ["msetnx a 1 b 2", "rename a b", "copy a b", "lcs a b"] {
        assert_eq!(refusal(line), "CROSSSLOT Keys in request don't hash to the same slot");
    }
}

#[test]
fn keys_are_bounded() {
    let long = Bytes::from(vec![b'k'; MAX_KEY_BYTES + 1]);
    assert!(
        matches!(parse(&[Bytes::from("get"), long]), Err(Reply::Error(text)) if text.starts_with("ERR key is longer"))
    );
    let many = vec![Bytes::from("k"); MAX_KEYS_PER_COMMAND + 2];
    let mget = [vec![Bytes::from("mget")], many].concat();
    assert!(matches!(parse(&mget), Err(Reply::Error(text)) if text.starts_with("ERR more than")));
}

#[test]
fn with_carries_number_and_deadline_and_checks_the_key() {
    let Parsed { request, meta } =
        parse_request(&argv("WITH k linearizable ID a:b:7 DEADLINE 100 META DO INCR k")).expect("good");
    let client = request.client.expect("numbered");
    assert_eq!((&client.client[..], client.number), (&b"a:b"[..], 7));
    assert_eq!((request.deadline_ms, request.level_chosen, meta), (Some(100), true, true));
    assert!(!parse_request(&argv("get k")).expect("good").request.level_chosen);

    assert!(refusal("WITH k strong DO get k").starts_with("LEVEL unknown"));
    assert_eq!(
        refusal("WITH x linearizable DO get k"),
        "ERR the key after WITH must be a key of the command after DO"
    );
    assert_eq!(refusal("WITH k linearizable META get k"), "ERR syntax error");
    assert!(refusal("WITH k linearizable ID a:0 DO incr k").starts_with("ERR ID wants"));
    assert!(refusal("WITH k linearizable ID a:1 DO get k").starts_with("ERR ID numbers a write"));
    assert!(refusal("WITH a linearizable ID a:1 DO mset a 1 b 2").starts_with("ERR ID numbers a write"));
    assert!(refusal("WITH k linearizable DEADLINE 0 DO get k").starts_with("ERR DEADLINE wants"));
    assert!(refusal("WITH k linearizable DO ping").starts_with("ERR WITH takes"));
    assert!(refusal("WITH k linearizable DO WITH k linearizable DO get k").starts_with("ERR WITH takes"));
    assert!(refusal("WITH k linearizable AFTER").starts_with("ERR"));
    assert!(refusal("WITH k linearizable ACKS 8 DO get k").starts_with("ERR ACKS wants"));
    assert!(refusal("WITH k linearizable DO get@sequential k").starts_with("ERR the level stands after"));
    assert!(refusal("WITH k linearizable DO session token").starts_with("ERR WITH takes"));
}

#[test]
fn getkeys_finds_the_keys() {
    let keys = |line: &str| command_getkeys(&argv(line));
    let bulks = |keys: &[&'static str]| Reply::Array(keys.iter().map(|key| Reply::bulk(*key)).collect());
    assert_eq!(keys("get k"), bulks(&["k"]));
    assert_eq!(keys("mset a 1 b 2"), bulks(&["a", "b"]));
    assert_eq!(keys("memory usage k samples 5"), bulks(&["k"]));
    assert_eq!(keys("with k linearizable do get k"), bulks(&["k"]));
    assert_eq!(keys("ping"), Reply::error("ERR The command has no key arguments"));
    assert_eq!(keys("nosuch a"), Reply::error("ERR Invalid command specified"));
    assert_eq!(keys("get"), Reply::error("ERR Invalid number of arguments specified for command"));
}

#[test]
fn info_lists_every_command_once_with_its_subcommands() {
    let Reply::Array(all) = command_info(&[]) else { panic!() };
    assert_eq!(command_count(), Reply::Int(all.len() as i64));
    let Reply::Array(some) = command_info(&argv("get nosuch object")) else { panic!() };
    assert_eq!(some[1], Reply::NilArray);
    let Reply::Array(object) = &some[2] else { panic!() };
    let Reply::Array(subcommands) = &object[9] else { panic!() };
    assert_eq!(subcommands.len(), 5);
}

#[test]
fn a_level_is_said_by_suffix_or_wrapper() {
    let level = |line: &str| {
        let request = parse_request(&argv(line)).expect(line).request;
        (request.ladder.to_string(), request.level_chosen)
    };
    assert_eq!(level("GET k"), ("linearizable".to_owned(), false));
    assert_eq!(level("GET@Sequential k"), ("sequential".to_owned(), true));
    assert_eq!(level("object@sequential encoding k"), ("sequential".to_owned(), true));
    assert_eq!(
        level("WITH k linearizable;50ms,sequential DO GET k"),
        ("linearizable;50ms, sequential".to_owned(), true)
    );
    let request = parse_request(&argv("WITH k causal AFTER abc.def MAXSTALE 7 ACKS 3 META DO GET k"))
        .expect("good")
        .request;
    assert_eq!(request.session, crate::command::InSession::Token("abc.def".into()));
    assert_eq!((request.max_staleness_ms, request.wants_token, request.acks), (Some(7), true, Some(3)));
}

#[test]
fn commands_are_listed_with_their_levels() {
    let Reply::Array(rows) = command_info(&[]) else { panic!() };
    assert_eq!(Reply::Int(rows.len() as i64), command_count());
    let Reply::Array(asked) = command_info(&argv("get@causal GET get@strong get@")) else { panic!() };
    let Reply::Array(columns) = &asked[0] else { panic!() };
    assert_eq!(columns[0], Reply::Bulk("get@causal".into()));
    assert_eq!(columns[3], Reply::Int(1));
    assert!(matches!(asked[1], Reply::Array(_)));
    assert_eq!(asked[2..], [Reply::NilArray, Reply::NilArray]);
    let Reply::Array(asked) = command_info(&argv("spop@sequential spop@causal keys@causal")) else {
        panic!()
    };
    assert!(matches!(asked[0], Reply::Array(_)));
    assert_eq!(asked[1..], [Reply::NilArray, Reply::NilArray], "levels that they have not");
}

#[test]
fn commands_that_count_their_keys_find_them() {
    let keys = |line: &str| command_getkeys(&argv(line));
    let bulks = |keys: &[&'static str]| Reply::Array(keys.iter().map(|key| Reply::bulk(*key)).collect());
    assert_eq!(keys("zunion 2 a b weights 1 2"), bulks(&["a", "b"]));
    assert_eq!(keys("zunionstore d 2 a b"), bulks(&["d", "a", "b"]));
    assert_eq!(keys("sintercard 1 a limit 5"), bulks(&["a"]));
    assert_eq!(keys("lmpop 1 a left"), bulks(&["a"]));
    assert_eq!(keys("zunion 3 a b"), Reply::error("ERR Invalid arguments specified for command"));
    assert_eq!(
        keys("zunion 99999999999999999999 a b"),
        Reply::error("ERR Invalid arguments specified for command")
    );
    assert!(parse_request(&argv("WITH {t}b linearizable DO zunion 2 {t}a {t}b")).is_ok());
    assert!(refusal("WITH c linearizable DO zunion 2 {t}a {t}b").starts_with("ERR the key after WITH"));
    let long = Bytes::from(vec![b'k'; MAX_KEY_BYTES + 1]);
    let zunion = [argv("zunion 1"), vec![long]].concat();
    assert!(matches!(parse(&zunion), Err(Reply::Error(text)) if text.starts_with("ERR key is longer")));
}

#[test]
fn several_collections_must_share_a_slot() {
    for line in [
        "sinter a b",
        "sunionstore a b c",
        "smove a b m",
        "sintercard 2 a b",
        "lmove a b left right",
        "lmpop 2 a b left",
        "zunion 2 a b",
        "zdiffstore a 1 b",
        "zrangestore a b 0 -1",
        "zmpop 2 a b min",
        "zintercard 2 a b",
    ] {
        assert_eq!(refusal(line), "CROSSSLOT Keys in request don't hash to the same slot", "{line}");
        command(&line.replace(" a", " {t}a").replace(" b", " {t}b").replace(" c", " {t}c"));
    }
}

#[test]
fn collections_are_refused_in_the_words_of_redis() {
    for (line, expected) in [
        ("hset h f", "ERR wrong number of arguments for 'hset' command"),
        ("hset h f v g", "ERR wrong number of arguments for 'hset' command"),
        ("hincrby h f x", "ERR value is not an integer or out of range"),
        ("hincrbyfloat h f inf", "ERR value is NaN or Infinity"),
        ("hrandfield h 1 values", "ERR syntax error"),
        ("hrandfield h -9223372036854770000 withvalues", "ERR value is out of range"),
        ("spop s -1", "ERR value is out of range, must be positive"),
        ("spop s 1 2", "ERR syntax error"),
        ("sintercard 0 a", "ERR numkeys should be greater than 0"),
        ("sintercard 2 a", "ERR Number of keys can't be greater than number of args"),
        ("sintercard 1 a limit x", "ERR LIMIT can't be negative"),
        ("sscan s 0 count 0", "ERR syntax error"),
        ("lpop l 1 2", "ERR wrong number of arguments for 'lpop' command"),
        ("lpos l a count -1", "ERR COUNT can't be negative"),
        ("lmove {t}a {t}b up down", "ERR syntax error"),
        ("lmpop 1 a left count 0", "ERR count should be greater than 0"),
        ("linsert l beside a b", "ERR syntax error"),
        ("zadd z 1", "ERR wrong number of arguments for 'zadd' command"),
        ("zadd z xx nx 1 a", "ERR XX and NX options at the same time are not compatible"),
        ("zadd z gt lt 1 a", "ERR GT, LT, and/or NX options at the same time are not compatible"),
        ("zadd z incr 1 a 2 b", "ERR INCR option supports a single increment-element pair"),
        ("zadd z x a", "ERR value is not a valid float"),
        ("zrange z 0 1 bylex bylex", "ERR syntax error"),
        ("zrange z a b bylex", "ERR min or max not valid string range item"),
        ("zcount z (x 1", "ERR min or max is not a float"),
        ("zunion 0 a", "ERR at least 1 input key is needed for 'zunion' command"),
        ("zunion 1 a weights", "ERR syntax error"),
        ("zunion 1 a weights x", "ERR weight value is not a float"),
        ("zunionstore d 1 d withscores", "ERR syntax error"),
        ("blpop l 0", "ERR not supported yet: BLPOP (see docs/redis.md)"),
    ] {
        assert_eq!(refusal(line), expected, "{line}");
    }
}
