//! Placeholder header; replaced by its builder.

fn main() {}
