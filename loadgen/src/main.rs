//! The `viaload` program.

fn main() {}
