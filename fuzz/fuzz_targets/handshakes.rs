//! `fuzz::peers::handshakes` under libFuzzer.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| fuzz::peers::handshakes(bytes));
