//! `fuzz::disk::log_damage` under libFuzzer.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| fuzz::disk::log_damage(bytes));
