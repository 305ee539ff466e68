//! `fuzz::peers::log_entries` under libFuzzer.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| fuzz::peers::log_entries(bytes));
