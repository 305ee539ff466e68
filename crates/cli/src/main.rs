//! The binary `quartet`: everything is in the library beside it.
//!
//! The allocator is chosen here: a store makes and drops small values all day, and the system's allocator took a fifth of a node's time under writes.

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> std::process::ExitCode {
    cli::run()
}
