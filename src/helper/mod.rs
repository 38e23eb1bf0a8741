//! The helper threads: what may block or wait is done here, never on a worker. One asks name
//! servers for host names, one runs commands.

#![forbid(unsafe_code)]

mod commands;
mod resolver;

pub use commands::CommandRunner;
pub use resolver::{Resolver, ResolverParts};
