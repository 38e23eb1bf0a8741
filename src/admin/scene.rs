//! What commands look at.

use std::sync::atomic::{AtomicU64, Ordering};

use crate::connections::Directory;
use crate::location::{AorRules, LocationTables, RegistrarConfig, UsrlocConfig};
use crate::metrics::{Counter, WorkerCounters};
use crate::time::Now;

/// The server at one moment, as commands see it.
#[derive(Clone, Copy)]
pub struct Scene<'a> {
    /// The time.
    pub now: Now,
    /// What does not change while it runs.
    pub facts: &'a Facts,
    /// The location tables.
    pub tables: &'a LocationTables,
    /// Which connections there are.
    pub connections: &'a Directory,
    /// Which certificates are shown to peers.
    pub certificates: &'a dyn Certificates,
    /// All blocks of counters; the last one is that of whoever runs the commands.
    pub counters: &'a [WorkerCounters],
    /// Finds out which threads there are.
    pub threads: &'a dyn Fn() -> Vec<Thread>,
}

impl std::fmt::Debug for Scene<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Scene").field("now", &self.now).finish_non_exhaustive()
    }
}

impl Scene<'_> {
    /// The value of a counter, that of all threads together.
    pub(super) fn count(&self, counter: Counter) -> u64 {
        self.counters.iter().map(|block| block.value(counter)).sum()
    }

    /// How many replies with that code were made here.
    pub(super) fn replies(&self, code: u16) -> u64 {
        self.counters.iter().map(|block| block.replies(code)).sum()
    }

    /// The moment, as bindings count it.
    pub(super) fn seconds(&self) -> u32 {
        crate::location::seconds(self.now)
    }
}

/// What does not change while a server runs.
#[derive(Debug, Default)]
pub struct Facts {
    /// When it was started.
    pub started: Now,
    /// The number of the process.
    pub process: u32,
    /// The command line, the name of the program first.
    pub arguments: Vec<String>,
    /// The working directory.
    pub directory: String,
    /// What `registrar` is set to; how users become keys stays as it is at the start.
    pub registrar: RegistrarConfig,
    /// What `usrloc` is set to.
    pub usrloc: UsrlocConfig,
    /// How many bindings were added by command: each gets a Call-ID of its own.
    pub additions: AtomicU64,
}

impl Facts {
    /// How users become keys.
    pub(super) fn aor_rules(&self) -> AorRules<'_> {
        self.registrar.aor_rules(&self.usrloc)
    }

    /// A Call-ID that no REGISTER and no other command has.
    pub(super) fn next_call_id(&self) -> String {
        let number = self.additions.fetch_add(1, Ordering::Relaxed);
        format!("{}-{}-{number}@ctl.viaduct", self.started.wall_seconds, self.process)
    }
}

/// Who knows which certificates are shown to peers.
pub trait Certificates {
    /// All of them.
    fn list(&self) -> Vec<Certificate>;
}

/// A certificate of the server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Certificate {
    /// Its file.
    pub file: String,
    /// Whom it is for.
    pub subject: String,
    /// Who made it.
    pub issuer: String,
    /// Until when it holds (seconds since 1970).
    pub not_after_seconds: u64,
}

/// A thread of the server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Thread {
    /// Its number.
    pub id: u32,
    /// Its name.
    pub name: String,
}
