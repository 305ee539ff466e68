//! `fuzz::peers::core_frames` under libFuzzer.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| fuzz::peers::core_frames(bytes));
