//! What is measured at a time: a program, or several of its kind that share the load and nothing
//! else.

use std::net::SocketAddr;
use std::path::Path;

use super::options::Options;
use super::peer::{Peer, Place, Program, Script};
use super::usage::{self, Cpu};

/// How many processes with how many workers each.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Shape {
    pub(crate) servers: usize,
    /// Workers or children of each.
    pub(crate) workers: usize,
}

impl Shape {
    /// One server with so many workers.
    pub(crate) const fn one(workers: usize) -> Self {
        Self { servers: 1, workers }
    }

    /// So many servers of one worker each.
    pub(crate) const fn apart(servers: usize) -> Self {
        Self { servers, workers: 1 }
    }

    /// Workers of all.
    pub(crate) const fn total(self) -> usize {
        self.servers * self.workers
    }
}

/// A program, or several of its kind.
#[derive(Debug)]
pub(crate) struct Contestant {
    program: Program,
    shape: Shape,
    peers: Vec<Peer>,
}

impl Contestant {
    /// Starts it, each worker with a core of the proxy.
    pub(crate) fn start(
        program: Program,
        shape: Shape,
        (script, callee): (Script, SocketAddr),
        (options, folder): (&Options, &Path),
    ) -> Self {
        let peers = (0..shape.servers).map(|server| {
            let cores = &options.proxy_core_list(server * shape.workers, shape.workers);
            let (workers, other) = (shape.workers, options.other.as_deref());
            let place = Place { folder, cores, workers, other, is_counted: false };
            Peer::start(program, script, callee, place)
        });
        Self { program, shape, peers: peers.collect() }
    }

    /// Which program it is.
    pub(crate) const fn program(&self) -> Program {
        self.program
    }

    /// How many there are of it.
    pub(crate) const fn shape(&self) -> Shape {
        self.shape
    }

    /// Where each listens.
    pub(crate) fn addresses(&self) -> Vec<SocketAddr> {
        self.peers.iter().map(Peer::address).collect()
    }

    /// Where the first listens.
    pub(crate) fn address(&self) -> SocketAddr {
        self.peers[0].address()
    }

    /// What they have used so far.
    pub(crate) fn cpu(&self) -> Cpu {
        self.peers.iter().map(|peer| usage::cpu(peer.pid())).fold(Cpu::default(), Cpu::plus)
    }

    /// Memory (MiB).
    pub(crate) fn memory_mib(&self) -> f64 {
        self.peers.iter().map(|peer| usage::memory_mib(peer.pid())).sum()
    }
}
