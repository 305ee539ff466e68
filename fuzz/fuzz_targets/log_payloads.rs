//! `fuzz::disk::log_payloads` under libFuzzer.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| fuzz::disk::log_payloads(bytes));
