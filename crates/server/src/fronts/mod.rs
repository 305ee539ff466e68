//! The fronts: how clients reach a node. They parse, hand requests to the core, and print answers; what a command does is not decided here.

pub(crate) mod http;
pub(crate) mod password;
pub(crate) mod resp;
