//! End-to-end tests: the real binary, real processes, real sockets, real kills.
//!
//! One program, because linking is what costs. Each test has its own cluster in its own folder at its own ports, and waits for what the nodes say
//! about themselves, never for a time. Limits are generous: they end a test that hangs and measure nothing.

#![allow(clippy::print_stderr)] // what nodes said last is shown where a test fails

mod ap_store;
mod batch;
mod broken_links;
mod cart;
mod clients;
mod command_line;
mod conflicts;
mod copies;
mod crash;
mod dev;
mod faults;
mod founding;
mod full_disk;
mod graceful;
mod hostile;
mod http;
mod hurt;
mod hurt_disks;
mod levels;
mod overload;
mod partition_table;
mod power;
mod rebuild;
mod snapshots;
mod soak;
mod support;
