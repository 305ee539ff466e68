//! What a step needs from the machine, and whether it is here.

use std::fmt;
use std::path::Path;
use std::process::{Command, Stdio};

use super::Place;

/// Something that `.ci/run` installs and a developer's machine may lack.
#[derive(Clone, Copy, Debug)]
pub(super) enum Tool {
    /// A program on the PATH.
    Program(&'static str),
    /// A module that `python3` can import.
    PythonModule(&'static str),
    /// A package that `node` can require.
    NodeModule(&'static str),
    /// A folder below `target/gate`, filled by `.ci/run`.
    Folder(&'static str),
}

impl Tool {
    pub(super) fn is_here(self, place: &Place) -> bool {
        match self {
            Tool::Program(name) => std::env::var_os("PATH").is_some_and(|path| {
                std::env::split_paths(&path).any(|folder| is_program(&folder.join(name)))
            }),
            Tool::PythonModule(name) => {
                let path = place.tools_folder().join("python");
                succeeds(
                    Command::new("python3").env("PYTHONPATH", path).arg("-c").arg(format!("import {name}")),
                )
            }
            Tool::NodeModule(name) => {
                let path = place.tools_folder().join("node/node_modules");
                succeeds(
                    Command::new("node").env("NODE_PATH", path).arg("-e").arg(format!("require('{name}')")),
                )
            }
            Tool::Folder(name) => place.tools_folder().join(name).is_dir(),
        }
    }
}

impl fmt::Display for Tool {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Tool::Program(name) => write!(formatter, "the program {name}"),
            Tool::PythonModule(name) => write!(formatter, "Python's package {name}"),
            Tool::NodeModule(name) => write!(formatter, "node's package {name}"),
            Tool::Folder(name) => write!(formatter, "target/gate/{name}, which .ci/run fills"),
        }
    }
}

fn is_program(path: &Path) -> bool {
    path.is_file()
}

fn succeeds(command: &mut Command) -> bool {
    command
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .is_ok_and(|status| status.success())
}
