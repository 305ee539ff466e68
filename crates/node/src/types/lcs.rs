//! LCS: the longest common subsequence of two strings, by the textbook table, with Redis's way of walking back through it (it shows in IDX).

use proto::limits::MAX_LCS_CELLS;
use proto::reply::Reply;

pub(super) fn reply(
    first: &[u8],
    second: &[u8],
    len_only: bool,
    idx: bool,
    min_match_len: u64,
    with_match_len: bool,
) -> Reply {
    let width = second.len() + 1;
    if (first.len() + 1).saturating_mul(width) > MAX_LCS_CELLS {
        return Reply::error("ERR Insufficient memory, transient memory for LCS exceeds proto-max-bulk-len");
    }
    let table = table(first, second);
    let length = table[first.len() * width + second.len()];
    if len_only && !idx {
        return Reply::Int(length.into());
    }

    let mut common = vec![0; length as usize];
    let mut matches = Vec::new();
    let mut run: Option<Run> = None;
    let mut emit = |run: Run| {
        if run.length >= min_match_len as usize {
            let pair = |start: usize| {
                Reply::Array(vec![Reply::Int(start as i64), Reply::Int((start + run.length - 1) as i64)])
            };
            let mut parts = vec![pair(run.first), pair(run.second)];
            if with_match_len {
                parts.push(Reply::Int(run.length as i64));
            }
            matches.push(Reply::Array(parts));
        }
    };
    let (mut at, mut a, mut b) = (common.len(), first.len(), second.len());
    while a > 0 && b > 0 {
        if first[a - 1] == second[b - 1] {
            (at, a, b) = (at - 1, a - 1, b - 1);
            common[at] = first[a];
            run = match run {
                Some(run) if run.first == a + 1 && run.second == b + 1 => {
                    Some(Run { first: a, second: b, length: run.length + 1 })
                }
                other => {
                    other.map(&mut emit);
                    Some(Run { first: a, second: b, length: 1 })
                }
            };
        } else {
            run.take().map(&mut emit);
            if table[(a - 1) * width + b] > table[a * width + b - 1] {
                a -= 1;
            } else {
                b -= 1;
            }
        }
    }
    run.map(&mut emit);
    if !idx {
        return Reply::bulk(common);
    }
    Reply::Map(vec![
        (Reply::bulk("matches"), Reply::Array(matches)),
        (Reply::bulk("len"), Reply::Int(length.into())),
    ])
}

/// A stretch in which both strings agree, by its start in each.
struct Run {
    first: usize,
    second: usize,
    length: usize,
}

/// Lengths of the longest common subsequences of all pairs of prefixes, row by row.
fn table(first: &[u8], second: &[u8]) -> Vec<u32> {
    let width = second.len() + 1;
    let mut table = vec![0u32; (first.len() + 1) * width];
    for (a, byte) in first.iter().enumerate() {
        let (above, row) = table[a * width..(a + 2) * width].split_at_mut(width);
        for (b, other) in second.iter().enumerate() {
            row[b + 1] = if byte == other { above[b] + 1 } else { above[b + 1].max(row[b]) };
        }
    }
    table
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pair(start: i64, end: i64) -> Reply {
        Reply::Array(vec![Reply::Int(start), Reply::Int(end)])
    }

    #[test]
    fn the_example_of_the_redis_documentation() {
        let (a, b) = (&b"ohmytext"[..], &b"mynewtext"[..]);
        assert_eq!(reply(a, b, false, false, 0, false), Reply::bulk("mytext"));
        assert_eq!(reply(a, b, true, false, 0, false), Reply::Int(6));
        let expected = |matches| {
            Reply::Map(vec![
                (Reply::bulk("matches"), Reply::Array(matches)),
                (Reply::bulk("len"), Reply::Int(6)),
            ])
        };
        let long = Reply::Array(vec![pair(4, 7), pair(5, 8)]);
        let short = Reply::Array(vec![pair(2, 3), pair(0, 1)]);
        assert_eq!(reply(a, b, false, true, 0, false), expected(vec![long.clone(), short]));
        assert_eq!(reply(a, b, false, true, 4, false), expected(vec![long]));
        let with_length = Reply::Array(vec![pair(4, 7), pair(5, 8), Reply::Int(4)]);
        assert_eq!(reply(a, b, false, true, 4, true), expected(vec![with_length]));
    }

    #[test]
    fn nothing_is_common_with_nothing() {
        assert_eq!(reply(b"", b"abc", false, false, 0, false), Reply::bulk(""));
        assert_eq!(reply(b"abc", b"", true, false, 0, false), Reply::Int(0));
    }

    #[test]
    fn long_strings_are_refused_before_any_memory_is_taken() {
        let long = vec![b'a'; 100_000];
        assert!(reply(&long, &long, true, false, 0, false).is_error());
    }
}
