//! `fuzz::peers::peer_frames` under libFuzzer.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| fuzz::peers::peer_frames(bytes));
