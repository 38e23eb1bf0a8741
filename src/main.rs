//! The `viaduct` program.

mod cli;

use std::io::{self, Write};
use std::process::ExitCode;

use clap::Parser;
use viaduct::server;

use crate::cli::{Arguments, Command};

/// The workers' own memory, such as stored bindings, is taken from and given back to heaps of
/// their own.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    let result = match Arguments::parse().command {
        Command::Run(arguments) => server::run(&arguments.into()),
        Command::Check { file, arguments } => match (&arguments.explain, file) {
            (Some(code), _) => server::explain(code),
            (None, file) => server::check(&file.unwrap_or_default(), arguments.into()),
        },
        Command::Ctl(arguments) => server::ctl(&arguments.into()),
        Command::Functions { name } => server::functions(name.as_deref()),
        Command::Variables { name } => server::variables(name.as_deref()),
        Command::Modules { name } => server::modules(name.as_deref()),
        Command::Reference => server::reference(),
        Command::Route(arguments) => server::route(&arguments.into()),
        Command::Test { paths, coverage, lcov } => {
            server::test(&server::TestOptions { paths, coverage, lcov })
        }
        Command::Doctor { config, format } => server::doctor(config, format.into()),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // There is nobody left to tell if this fails.
            let _ = io::stderr().write_all(format!("viaduct: {error}\n").as_bytes());
            ExitCode::from(error.exit_code())
        }
    }
}
