//! Log lines: to stderr, one a line, because stdout is data.
//!
//! `QUARTET_LOG` chooses what is said (`info` unless set; the syntax is that of `tracing`'s `EnvFilter`: `debug`, `server=debug,info`).

use std::io::IsTerminal;
use tracing_subscriber::EnvFilter;

/// The environment variable that chooses what is logged.
pub const LOG_VARIABLE: &str = "QUARTET_LOG";

/// Sends log lines to stderr from now on. A second call changes nothing.
pub fn to_stderr() {
    let filter = std::env::var(LOG_VARIABLE).ok().and_then(|text| EnvFilter::try_new(text).ok());
    let _ = tracing_subscriber::fmt()
        .with_env_filter(filter.unwrap_or_else(|| EnvFilter::new("info")))
        .with_writer(std::io::stderr)
        .with_ansi(std::io::stderr().is_terminal())
        .with_target(false)
        .try_init();
}
