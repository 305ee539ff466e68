//! `fuzz::peers::fault_orders` under libFuzzer.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| fuzz::peers::fault_orders(bytes));
