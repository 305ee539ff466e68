//! Passwords and secrets: from a file or the environment, never from the command line, where every user of the machine could read them.

use crate::exit::Failure;
use std::path::Path;

/// The environment's name for the clients' password.
pub(crate) const REQUIREPASS: &str = "QUARTET_REQUIREPASS";
/// The environment's name for the secret that nodes prove to each other.
pub(crate) const CLUSTER_SECRET: &str = "QUARTET_CLUSTER_SECRET";

/// The first line of the file if one is named, else the environment's value; an empty one is none.
pub(crate) fn from_file_or_environment(file: Option<&Path>, name: &str) -> Result<Option<String>, Failure> {
    let Some(file) = file else {
        return match std::env::var(name) {
            Ok(value) => Ok(Some(value).filter(|value| !value.is_empty())),
            Err(std::env::VarError::NotPresent) => Ok(None),
            Err(error) => Err(Failure::bad_input(format!("{name}: {error}"))),
        };
    };
    let text = std::fs::read_to_string(file)
        .map_err(|error| Failure::bad_input(format!("cannot read {}: {error}", file.display())))?;
    match text.lines().next() {
        Some(line) if !line.is_empty() => Ok(Some(line.to_owned())),
        _ => Err(Failure::bad_input(format!("{} is empty; its first line is the secret", file.display()))),
    }
}
