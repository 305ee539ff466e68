//! Fuzz targets: one function for each kind of bytes that come from outside. None may panic, hang or take memory that was
//! only announced, whatever the bytes; and what was decoded is what is encoded again.
//!
//! Each target is a plain function over bytes, so that the same code runs twice: under libFuzzer (`fuzz_targets`, the feature
//! `libfuzzer`; `docs/testing.md` has the commands), and in the gate as an ordinary test that runs every file of the corpus and a
//! fixed number of mutations (`tests/corpus.rs`).
//!
//! Checksums would stop nearly every mutation at the door, so most formats have two targets: the bytes as they arrive, and the
//! payload behind a checksum that the target makes right.
//!
//! * `words`: RESP, commands, HTTP, tokens. `peers`: frames, messages to a core, founding, handshakes, fault orders.
//!   `disk`: log, snapshots, identity. `files`: what a person hands to `quartet`.
//! * `mutate`: the mutations of the gate. `seeds`: the first files of each corpus, made by the real encoders.
//!
//! Not here: whole nodes (`crates/sim`, `crates/cli/tests`).

pub mod disk;
pub mod files;
pub mod mutate;
pub mod peers;
pub mod seeds;
pub mod words;

#[path = "../../crates/node/tests/cluster/mod.rs"]
#[allow(clippy::disallowed_types, clippy::disallowed_methods, missing_docs)]
mod cluster;

/// One target.
#[derive(Clone, Copy, Debug)]
pub struct Target {
    /// The name of its binary and its corpus.
    pub name: &'static str,
    /// The function.
    pub run: fn(&[u8]),
    /// How many mutated inputs the gate tries: a second or so.
    pub rounds: u64,
    /// The longest input that is worth trying, in bytes.
    pub longest_bytes: usize,
}

/// All of them.
pub const TARGETS: &[Target] = &[
    Target { name: "resp_requests", run: words::resp_requests, rounds: 240_000, longest_bytes: 4096 },
    Target { name: "resp_replies", run: words::resp_replies, rounds: 480_000, longest_bytes: 4096 },
    Target { name: "http_requests", run: words::http_requests, rounds: 320_000, longest_bytes: 2048 },
    Target { name: "session_tokens", run: words::session_tokens, rounds: 480_000, longest_bytes: 1024 },
    Target { name: "peer_frames", run: peers::peer_frames, rounds: 720_000, longest_bytes: 4096 },
    Target { name: "log_entries", run: peers::log_entries, rounds: 720_000, longest_bytes: 4096 },
    Target { name: "core_frames", run: peers::core_frames, rounds: 6_000, longest_bytes: 8192 },
    Target { name: "founding_messages", run: peers::founding_messages, rounds: 480_000, longest_bytes: 4096 },
    Target { name: "handshakes", run: peers::handshakes, rounds: 320_000, longest_bytes: 2048 },
    Target { name: "fault_orders", run: peers::fault_orders, rounds: 480_000, longest_bytes: 1024 },
    Target { name: "log_files", run: disk::log_files, rounds: 160_000, longest_bytes: 20_000 },
    Target { name: "log_damage", run: disk::log_damage, rounds: 6_000, longest_bytes: 256 },
    Target { name: "log_payloads", run: disk::log_payloads, rounds: 720_000, longest_bytes: 4096 },
    Target { name: "snapshot_files", run: disk::snapshot_files, rounds: 400_000, longest_bytes: 16_384 },
    Target { name: "snapshot_damage", run: disk::snapshot_damage, rounds: 400_000, longest_bytes: 256 },
    Target { name: "snapshot_pieces", run: disk::snapshot_pieces, rounds: 480_000, longest_bytes: 8192 },
    Target { name: "identity_files", run: disk::identity_files, rounds: 480_000, longest_bytes: 4096 },
    Target { name: "histories", run: files::histories, rounds: 120_000, longest_bytes: 4096 },
    Target { name: "request_files", run: files::request_files, rounds: 320_000, longest_bytes: 2048 },
];
