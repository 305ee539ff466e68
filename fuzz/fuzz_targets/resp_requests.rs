//! `fuzz::words::resp_requests` under libFuzzer.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| fuzz::words::resp_requests(bytes));
