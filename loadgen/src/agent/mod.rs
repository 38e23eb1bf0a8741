//! The user agents: state machines of calls without sockets and clocks.
//!
//! *One input, then all outputs are in the outbox before the call returns; time comes in only as
//! `now`; the same seed and the same inputs give the same bytes.*

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use crate::measure::{Interval, Trace};
use crate::moment::Moment;
use crate::outbox::{Outbox, SocketId};
use crate::scenario::{Cast, Injection};
use crate::users::Users;

/// What an agent needs to know.
#[derive(Clone, Debug)]
pub struct Setup {
    /// The programs.
    pub cast: Arc<Cast>,
    /// Where calls go; an agent that only answers has none.
    pub target: Option<SocketAddr>,
    /// Addresses of the sockets; [`SocketId`] is the position.
    pub sockets: Vec<SocketAddr>,
    /// Sockets that callers send from, taken in turn.
    pub caller_sockets: Vec<SocketId>,
    /// The socket that callees name in Contact, if any are here.
    pub callee_socket: Option<SocketId>,
    /// Where callees of the whole run are reached, for users' contacts and calls without users.
    pub callee_addresses: Arc<[SocketAddr]>,
    /// Users; empty for none.
    pub users: Arc<Users>,
    /// `--service`: the user part to call where there are no users.
    pub service: String,
    /// Address in SDP.
    pub media_ip: IpAddr,
    /// How long a pause without a length lasts.
    pub hold: Duration,
    /// Injection files of the scenario.
    pub injected: Vec<Arc<Injection>>,
    /// This worker's number and how many there are: call numbers and users are dealt out by it.
    pub worker: (usize, usize),
    /// Seed of all chance, this worker's own.
    pub seed: u64,
    /// Number in `[pid]` and Call-IDs, so that two generators do not collide.
    pub process: u32,
    /// Calls to keep of each kind.
    pub traces: usize,
}

/// The calls of one worker.
#[derive(Debug)]
pub struct Agent {
    setup: Setup,
    interval: Interval,
}

impl Agent {
    /// An agent without calls; its first interval begins at `now`.
    #[must_use]
    pub fn new(setup: Setup, now: Moment) -> Self {
        let interval = Interval::new(now, &setup.cast.shape);
        Self { setup, interval }
    }

    /// Starts a call that was intended for `intended`, which is not after `now`.
    pub fn start_call(&mut self, intended: Moment, now: Moment, out: &mut Outbox) {
        let _ = (intended, now, out);
    }

    /// Handles a datagram.
    pub fn handle_datagram(
        &mut self,
        now: Moment,
        socket: SocketId,
        source: SocketAddr,
        bytes: &[u8],
        out: &mut Outbox,
    ) {
        let _ = (now, socket, source, bytes, out);
    }

    /// When [`Agent::handle_timeouts`] is to be called next, at the latest.
    #[must_use]
    pub fn next_timeout(&self) -> Option<Moment> {
        None
    }

    /// Does what is due.
    pub fn handle_timeouts(&mut self, now: Moment, out: &mut Outbox) {
        let _ = (now, out);
    }

    /// Calls of callers in progress.
    #[must_use]
    pub fn in_flight(&self) -> usize {
        0
    }

    /// Calls of callees in progress.
    #[must_use]
    pub fn answering(&self) -> usize {
        0
    }

    /// Ends all calls of callers as a user agent does that hangs up: CANCEL before the answer,
    /// BYE after it. They are counted as cut short.
    pub fn hang_up(&mut self, now: Moment, out: &mut Outbox) {
        let _ = (now, out);
    }

    /// Gives up all calls that are left: they are counted as abandoned.
    pub fn abandon(&mut self, now: Moment) {
        let _ = (now, &self.setup);
    }

    /// The interval that is being filled.
    pub fn interval(&mut self) -> &mut Interval {
        &mut self.interval
    }

    /// The interval so far; `fresh` takes its place, and is filled from now on.
    pub fn exchange(&mut self, fresh: Interval, now: Moment) -> Interval {
        self.interval.end = now;
        std::mem::replace(&mut self.interval, fresh)
    }

    /// The calls that were kept.
    pub fn take_traces(&mut self) -> Vec<Trace> {
        Vec::new()
    }
}
