//! `fuzz::disk::snapshot_pieces` under libFuzzer.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| fuzz::disk::snapshot_pieces(bytes));
