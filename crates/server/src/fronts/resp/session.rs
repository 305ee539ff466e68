//! Commands about the connection itself: AUTH, HELLO, CLIENT, CONSISTENCY and the like.
//!
//! `SESSION TOKEN` and `SESSION RESUME` are not here: what a session has seen is the core's to know. RESET only marks the connection; the new session begins when everything before it is answered.

use super::connection::{Connection, ReplyMode};
use super::context::Context;
use bytes::Bytes;
use proto::commands::consistency::Consistency;
use proto::commands::number::parse_i64;
use proto::commands::{Row, help};
use proto::reply::Reply;
use proto::resp::{RequestDecoder, Version};

/// The release whose behaviour clients may expect of this front.
pub(super) const REDIS_VERSION: &str = "7.0.15";

/// What a command of this family came to.
#[derive(Debug)]
pub(super) enum Said {
    /// Answer this.
    Reply(Reply),
    /// Answer nothing.
    Nothing,
    /// Answer this, then close the connection.
    Last(Reply),
}

/// Carries out a command of [`proto::commands::Family::Connection`].
pub(super) fn run(connection: &mut Connection, row: &Row, argv: &[Bytes], context: &Context<'_>) -> Said {
    Said::Reply(match row.name {
        "auth" => auth(connection, argv, context),
        "hello" => hello(connection, argv, context),
        "ping" => ping(argv),
        "echo" => Reply::Bulk(copy(&argv[1])),
        "quit" => return Said::Last(Reply::OK),
        "reset" => {
            connection.session = super::connection::Session {
                is_authenticated: context.shared.password.is_none(),
                consistency: connection.door,
                ..Default::default()
            };
            connection.wants_new_session = true;
            if context.shared.password.is_some() {
                connection.decoder = RequestDecoder::unauthenticated();
            }
            Reply::Simple("RESET")
        }
        "select" => match parse_i64(&argv[1]) {
            Some(0) => Reply::OK,
            Some(_) => Reply::error("ERR DB index is out of range"),
            None => Reply::error("ERR value is not an integer or out of range"),
        },
        "readonly" | "readwrite" => Reply::OK,
        "consistency" => consistency(connection, &argv[1..]),
        "session" | "session|help" => help("session"),
        "client" | "client|help" => help("client"),
        "client|id" => Reply::Int(i64::try_from(connection.id.0).unwrap_or(i64::MAX)),
        "client|getname" => {
            if connection.session.name.is_empty() {
                Reply::Nil
            } else {
                Reply::Bulk(connection.session.name.clone())
            }
        }
        "client|setname" => set_name(connection, &argv[2]),
        "client|setinfo" => set_info(connection, &argv[2], &argv[3]),
        "client|info" => Reply::Verbatim("txt", connection.describe(context.now.mono) + "\n"),
        "client|list" => client_list(connection, argv, context),
        "client|reply" => return client_reply(connection, &argv[2]),
        _ => {
            Reply::error(format!("ERR not supported yet: {} (see docs/redis.md)", row.name.replace('|', " ")))
        }
    })
}

/// Shows what holds for requests that say nothing themselves, in words that can be set again; or sets it.
fn consistency(connection: &mut Connection, arguments: &[Bytes]) -> Reply {
    if arguments.is_empty() {
        return Reply::bulk(connection.session.consistency.to_string());
    }
    match Consistency::parse(arguments) {
        Ok(consistency) => {
            connection.session.consistency = consistency;
            Reply::OK
        }
        Err(refusal) => refusal,
    }
}

fn is(argument: &[u8], word: &str) -> bool {
    argument.eq_ignore_ascii_case(word.as_bytes())
}

/// What outlives its command must not hold on to the read buffer.
fn copy(argument: &Bytes) -> Bytes {
    Bytes::copy_from_slice(argument)
}

fn ping(argv: &[Bytes]) -> Reply {
    match argv {
        [_] => Reply::Simple("PONG"),
        [_, message] => Reply::Bulk(copy(message)),
        _ => Reply::error("ERR wrong number of arguments for 'ping' command"),
    }
}

fn authenticate(
    connection: &mut Connection,
    user: &[u8],
    password: &[u8],
    context: &Context<'_>,
) -> Result<(), Reply> {
    let is_right = match &context.shared.password {
        Some(expected) => expected.is(password) && user == b"default",
        None => user == b"default",
    };
    if !is_right {
        return Err(Reply::error("WRONGPASS invalid username-password pair or user is disabled."));
    }
    connection.session.is_authenticated = true;
    connection.decoder.authenticated();
    Ok(())
}

fn auth(connection: &mut Connection, argv: &[Bytes], context: &Context<'_>) -> Reply {
    let (user, password) = match argv {
        [_, password] => {
            if context.shared.password.is_none() {
                return Reply::error(
                    "ERR AUTH <password> called without any password configured for the default user. Are you sure your configuration is correct?",
                );
            }
            (&b"default"[..], password)
        }
        [_, user, password] => (&user[..], password),
        _ => return Reply::error("ERR syntax error"),
    };
    authenticate(connection, user, password, context).map_or_else(|refusal| refusal, |()| Reply::OK)
}

fn hello(connection: &mut Connection, argv: &[Bytes], context: &Context<'_>) -> Reply {
    let version = match argv.get(1).map(|version| parse_i64(version)) {
        None => None,
        Some(Some(2)) => Some(Version::Resp2),
        Some(Some(3)) => Some(Version::Resp3),
        Some(Some(_)) => return Reply::error("NOPROTO unsupported protocol version"),
        Some(None) => return Reply::error("ERR Protocol version is not an integer or out of range"),
    };
    let (mut credentials, mut name) = (None, None);
    let mut at = 2;
    while at < argv.len() {
        let left = argv.len() - at - 1;
        if is(&argv[at], "AUTH") && left >= 2 {
            credentials = Some((&argv[at + 1], &argv[at + 2]));
            at += 3;
        } else if is(&argv[at], "SETNAME") && left >= 1 {
            name = Some(&argv[at + 1]);
            at += 2;
        } else {
            return Reply::error(format!(
                "ERR Syntax error in HELLO option '{}'",
                String::from_utf8_lossy(&argv[at]).chars().take(64).collect::<String>()
            ));
        }
    }
    if let Some((user, password)) = credentials
        && let Err(refusal) = authenticate(connection, user, password, context)
    {
        return refusal;
    }
    if !connection.session.is_authenticated {
        return Reply::error(
            "NOAUTH HELLO must be called with the client already authenticated, otherwise the HELLO <proto> AUTH <user> <pass> option can be used to authenticate the client and select the RESP protocol version at the same time",
        );
    }
    if let Some(name) = name {
        let answer = set_name(connection, name);
        if answer.is_error() {
            return answer;
        }
    }
    if let Some(version) = version {
        connection.session.version = version;
    }
    let proto = if connection.session.version == Version::Resp3 { 3 } else { 2 };
    let pair = |name: &'static str, value| (Reply::bulk(name), value);
    Reply::Map(vec![
        pair("server", Reply::bulk("redis")),
        pair("version", Reply::bulk(REDIS_VERSION)),
        pair("proto", Reply::Int(proto)),
        pair("id", Reply::Int(i64::try_from(connection.id.0).unwrap_or(i64::MAX))),
        pair("mode", Reply::bulk("cluster")),
        pair("role", Reply::bulk("master")),
        pair("modules", Reply::Array(Vec::new())),
    ])
}

/// Names stand in lines of text that are separated by spaces.
fn is_a_name(name: &[u8]) -> bool {
    name.iter().all(|byte| (b'!'..=b'~').contains(byte))
}

fn set_name(connection: &mut Connection, name: &Bytes) -> Reply {
    if !is_a_name(name) {
        return Reply::error("ERR Client names cannot contain spaces, newlines or special characters.");
    }
    connection.session.name = copy(name);
    Reply::OK
}

fn set_info(connection: &mut Connection, what: &Bytes, value: &Bytes) -> Reply {
    let place = if is(what, "LIB-NAME") {
        &mut connection.session.library
    } else if is(what, "LIB-VER") {
        &mut connection.session.library_version
    } else {
        return Reply::error(format!(
            "ERR Unrecognized option '{}'",
            String::from_utf8_lossy(what).chars().take(64).collect::<String>()
        ));
    };
    if !is_a_name(value) {
        return Reply::error(format!(
            "ERR {} cannot contain spaces, newlines or special characters.",
            String::from_utf8_lossy(what).to_ascii_lowercase()
        ));
    }
    *place = copy(value);
    Reply::OK
}

fn client_list(connection: &Connection, argv: &[Bytes], context: &Context<'_>) -> Reply {
    let now = context.now.mono;
    let mut wanted: Option<Vec<u64>> = None;
    match &argv[2..] {
        [] => {}
        [option, kind] if is(option, "TYPE") => {
            if !is(kind, "normal") {
                // Replicas and subscribers do not connect here.
                let known = ["master", "replica", "slave", "pubsub"].iter().any(|known| is(kind, known));
                let unknown = format!("ERR Unknown client type '{}'", String::from_utf8_lossy(kind));
                return if known { Reply::Verbatim("txt", String::new()) } else { Reply::error(unknown) };
            }
        }
        [option, ids @ ..] if is(option, "ID") && !ids.is_empty() => {
            let ids: Option<Vec<u64>> =
                ids.iter().map(|id| parse_i64(id).and_then(|id| u64::try_from(id).ok())).collect();
            let Some(ids) = ids else { return Reply::error("ERR Invalid client ID") };
            wanted = Some(ids);
        }
        _ => return Reply::error("ERR syntax error"),
    }
    let mut text = String::new();
    for client in context.others.iter().filter_map(|other| other.as_deref()).chain([connection]) {
        if wanted.as_ref().is_none_or(|wanted| wanted.contains(&client.id.0)) {
            text.push_str(&client.describe(now));
            text.push('\n');
        }
    }
    Reply::Verbatim("txt", text)
}

fn client_reply(connection: &mut Connection, mode: &Bytes) -> Said {
    if is(mode, "ON") {
        connection.session.replies = ReplyMode::On;
        Said::Reply(Reply::OK)
    } else if is(mode, "OFF") {
        connection.session.replies = ReplyMode::Off;
        Said::Nothing
    } else if is(mode, "SKIP") {
        if connection.session.replies == ReplyMode::On {
            connection.session.replies = ReplyMode::SkipNext;
        }
        Said::Nothing
    } else {
        Said::Reply(Reply::error("ERR syntax error"))
    }
}
