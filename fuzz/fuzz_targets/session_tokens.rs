//! `fuzz::words::session_tokens` under libFuzzer.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| fuzz::words::session_tokens(bytes));
