//! `fuzz::peers::founding_messages` under libFuzzer.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| fuzz::peers::founding_messages(bytes));
