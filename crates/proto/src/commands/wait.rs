//! `WAIT numreplicas timeout`, in Redis's words. What it waits for is the core's to know (`node::front_copies`).

use super::Row;
use super::arguments::integer;
use super::number::parse_i64;
use crate::command::Command;
use crate::limits::MAX_DEADLINE_MS;
use crate::reply::Reply;
use bytes::Bytes;

pub(super) fn wait(_: &Row, argv: &[Bytes]) -> Result<Command, Reply> {
    // A negative number is reached at once, as in Redis.
    let nodes = usize::try_from(integer(&argv[1])?).unwrap_or(0);
    let timeout = parse_i64(&argv[2])
        .ok_or_else(|| Reply::error("ERR timeout is not an integer or out of range"))
        .and_then(|ms| u64::try_from(ms).map_err(|_| Reply::error("ERR timeout is negative")))?;
    let timeout_ms = if timeout == 0 { MAX_DEADLINE_MS } else { timeout.min(MAX_DEADLINE_MS) };
    Ok(Command::Wait { nodes, timeout_ms })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(line: &str) -> Result<Command, Reply> {
        let argv: Vec<Bytes> = line.split(' ').map(|word| Bytes::copy_from_slice(word.as_bytes())).collect();
        super::super::parse(&argv)
    }

    #[test]
    fn a_timeout_of_nothing_is_the_longest_that_there_is() {
        assert_eq!(parse("WAIT 2 500"), Ok(Command::Wait { nodes: 2, timeout_ms: 500 }));
        assert_eq!(parse("wait -1 0"), Ok(Command::Wait { nodes: 0, timeout_ms: MAX_DEADLINE_MS }));
        let long = Command::Wait { nodes: 1, timeout_ms: MAX_DEADLINE_MS };
        assert_eq!(parse("WAIT 1 9223372036854775807"), Ok(long));
    }

    #[test]
    fn what_is_wrong_is_said_as_redis_says_it() {
        assert_eq!(parse("WAIT x 1"), Err(Reply::error("ERR value is not an integer or out of range")));
        assert_eq!(parse("WAIT 1 x"), Err(Reply::error("ERR timeout is not an integer or out of range")));
        assert_eq!(parse("WAIT 1 -1"), Err(Reply::error("ERR timeout is negative")));
        assert_eq!(parse("WAIT 1"), Err(Reply::error("ERR wrong number of arguments for 'wait' command")));
        assert!(parse("WAIT@causal 1 1").is_err(), "it has no level");
    }
}
