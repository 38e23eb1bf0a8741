//! The `viaload` program.

mod cli;

use std::io::{self, Write};
use std::process::ExitCode;

use clap::Parser;
use viaload::run::{self, Ended, RunError};

use crate::cli::{Arguments, Command};

/// Histograms are taken and given back by several threads once a second.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    match obey(Arguments::parse().command) {
        Ok(ended) => ExitCode::from(ended.exit_code()),
        Err(error) => {
            // There is nobody left to tell if this fails.
            let _ = writeln!(io::stderr(), "viaload: {error}");
            ExitCode::from(error.exit_code())
        }
    }
}

/// Does what the command line says.
fn obey(command: Command) -> Result<Ended, RunError> {
    match command {
        Command::Run(arguments) => run::run(&(*arguments).into()),
        Command::Uas(arguments) => run::answer(&arguments.into()),
        Command::Compare { a, b, html } => run::compare(&a, &b, html.as_deref()),
        Command::Scenarios { name } => run::scenarios(name.as_deref()),
    }
}
