//! `fuzz::disk::log_files` under libFuzzer.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| fuzz::disk::log_files(bytes));
