//! Runs of the script that wait for a command, with what brought their messages here.

use std::sync::Arc;

use hashbrown::HashMap;

use super::arrival::Arrival;
use crate::limits::{SUSPENDED_BYTES_MAX, SUSPENDED_COUNT_MAX};
use crate::script::{Program, Suspended};

/// A run that waits.
#[derive(Debug)]
pub(super) struct Waiting {
    pub(super) run: Box<Suspended>,
    /// The program that it runs, which may be another one than new messages get.
    pub(super) program: Arc<Program>,
    pub(super) arrival: Arrival,
    /// What is taken from the bytes that there may be.
    size: usize,
}

/// The runs that wait, by the numbers of their jobs.
#[derive(Debug)]
pub(super) struct WaitingRoom {
    waiting: HashMap<u64, Waiting>,
    next_job: u64,
    bytes: usize,
}

impl WaitingRoom {
    /// An empty one. Jobs are numbered from `first_job` on, so that the answer to a job of a core
    /// that has failed is not taken for the answer to one of its successor.
    pub(super) fn new(first_job: u64) -> Self {
        Self { waiting: HashMap::new(), next_job: first_job, bytes: 0 }
    }

    /// Bytes that one more run may have.
    pub(super) fn room(&self) -> usize {
        match self.waiting.len() {
            ..SUSPENDED_COUNT_MAX => SUSPENDED_BYTES_MAX.saturating_sub(self.bytes),
            _ => 0,
        }
    }

    /// Keeps a run whose command takes `command_size` bytes; the number of its job.
    pub(super) fn enter(
        &mut self,
        run: Box<Suspended>,
        command_size: usize,
        program: Arc<Program>,
        arrival: Arrival,
    ) -> u64 {
        let job = self.next_job;
        self.next_job = job.wrapping_add(1);
        let size = run.size() + command_size;
        self.bytes += size;
        self.waiting.insert(job, Waiting { run, program, arrival, size });
        job
    }

    /// The run whose job is done, if it waits for it.
    pub(super) fn leave(&mut self, job: u64) -> Option<Waiting> {
        let waiting = self.waiting.remove(&job)?;
        self.bytes -= waiting.size;
        Some(waiting)
    }
}
