//! The `viaduct` program.

fn main() {}
