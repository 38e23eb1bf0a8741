//! Viaduct as the proxy between the two sides.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::process::{Folder, Process};

/// A running `viaduct` with the script that is built in.
pub(crate) struct Viaduct {
    process: Process,
    address: SocketAddr,
    _folder: Folder,
}

impl Viaduct {
    /// Starts it at a free address; says so if it has not been built.
    pub(crate) fn start() -> Option<Self> {
        let Some(program) = program() else {
            super::left_out("viaduct is not built; `cargo build -p viaduct` does that");
            return None;
        };
        let folder = Folder::new();
        let address = super::free_address();
        let listen = format!("udp:{address}");
        let mut command = Command::new(program);
        command.args(["run", "--listen", &listen, "--workers", "2", "--no-pin"]);
        let process = Process::start(command.current_dir(folder.path()));
        process.wait_for_log_that("that it is ready", |log| {
            log.lines().any(|line| line.starts_with("ready: ") && line.contains(&listen))
        });
        Some(Self { process, address, _folder: folder })
    }

    /// Where it listens.
    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }
}

impl Drop for Viaduct {
    fn drop(&mut self) {
        self.process.stop();
    }
}

/// The program, which lies beside viaload if the same profile was built.
fn program() -> Option<PathBuf> {
    let path = Path::new(env!("CARGO_BIN_EXE_viaload")).with_file_name("viaduct");
    path.exists().then_some(path)
}
