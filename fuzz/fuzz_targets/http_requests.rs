//! `fuzz::words::http_requests` under libFuzzer.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| fuzz::words::http_requests(bytes));
