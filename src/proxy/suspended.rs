//! Runs of the script that wait for a command or a moment, with what brought their messages here.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::sync::Arc;

use hashbrown::HashMap;

use crate::limits::{SUSPENDED_BYTES_MAX, SUSPENDED_COUNT_MAX};
use crate::mem::Arrival;
use crate::script::{Program, Suspended, Wait};
use crate::time::Now;

/// A run that waits.
#[derive(Debug)]
pub(super) struct Waiting {
    pub(super) run: Box<Suspended>,
    /// The program that it runs, which may be another one than new messages get.
    pub(super) program: Arc<Program>,
    pub(super) arrival: Arrival,
    /// See [`super::turn::Turn::is_rewritten`].
    pub(super) is_rewritten: bool,
    /// What is taken from the bytes that there may be.
    size: usize,
}

/// The runs that wait, by the numbers of their jobs.
#[derive(Debug)]
pub(super) struct WaitingRoom {
    waiting: HashMap<u64, Waiting>,
    /// When runs that wait for a moment go on, soonest first, with the numbers of their jobs.
    due: BinaryHeap<Reverse<(u64, u64)>>,
    next_job: u64,
    bytes: usize,
    /// Whether nobody may wait any more.
    is_closed: bool,
}

impl WaitingRoom {
    /// An empty one. Jobs are numbered from `first_job` on, so that the answer to a job of a core
    /// that has failed is not taken for the answer to one of its successor.
    pub(super) fn new(first_job: u64) -> Self {
        let (waiting, due) = (HashMap::new(), BinaryHeap::new());
        Self { waiting, due, next_job: first_job, bytes: 0, is_closed: false }
    }

    /// Bytes that one more run may have.
    pub(super) fn room(&self) -> usize {
        match self.waiting.len() {
            ..SUSPENDED_COUNT_MAX if !self.is_closed => {
                SUSPENDED_BYTES_MAX.saturating_sub(self.bytes)
            }
            _ => 0,
        }
    }

    /// Keeps a run whose command takes `command_size` bytes, or that goes on at a moment; the
    /// number of its job.
    pub(super) fn enter(
        &mut self,
        run: Box<Suspended>,
        command_size: usize,
        program: Arc<Program>,
        (arrival, is_rewritten): (Arrival, bool),
    ) -> u64 {
        let job = self.next_job;
        self.next_job = job.wrapping_add(1);
        let size = run.size() + command_size;
        if let Wait::Time(due_ms) = run.wait {
            self.due.push(Reverse((due_ms, job)));
        }
        self.bytes += size;
        self.waiting.insert(job, Waiting { run, program, arrival, is_rewritten, size });
        job
    }

    /// The run whose job is done, if it waits for it.
    pub(super) fn leave(&mut self, job: u64) -> Option<Waiting> {
        let waiting = self.waiting.remove(&job)?;
        self.bytes -= waiting.size;
        Some(waiting)
    }

    /// When the first run goes on that waits for a moment (milliseconds of the monotonic clock).
    pub(super) fn due_ms(&self) -> Option<u64> {
        self.due.peek().map(|Reverse((due_ms, _))| *due_ms)
    }

    /// Lets nobody wait any more; the job of a run that goes on although its moment has not come.
    pub(super) fn close(&mut self) -> Option<u64> {
        self.is_closed = true;
        self.due.pop().map(|Reverse((_, job))| job)
    }

    /// The job of a run that goes on by now.
    pub(super) fn take_due(&mut self, now: Now) -> Option<u64> {
        let Reverse((due_ms, job)) = *self.due.peek()?;
        (due_ms <= now.monotonic_ms).then(|| {
            self.due.pop();
            job
        })
    }
}
