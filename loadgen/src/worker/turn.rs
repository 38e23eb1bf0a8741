//! What a worker does, turn by turn.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use crossbeam_channel as channel;
use mio::Token;

use super::receive::Receiver;
use super::send::{Flush, Sender};
use super::socket::Socket;
use super::wait::Waiter;
use super::{Command, Outcome, Second};
use crate::agent::Agent;
use crate::clock::Clock;
use crate::measure::{Count, Interval, RunShape};
use crate::moment::Moment;
use crate::outbox::{Outbox, SocketId};
use crate::pace::Load;

/// One worker: an agent with its sockets, its load and its clock.
///
/// A turn starts calls that are due, receives one batch from each socket that has something, does
/// what timers ask for, and sends what came of all that. Then it waits for the next event.
#[derive(Debug)]
pub(super) struct Worker {
    /// Its number.
    pub(super) number: usize,
    /// The run's clock.
    pub(super) clock: Clock,
    /// When the run starts: seconds are counted from here, by all workers alike.
    pub(super) start: Moment,
    /// The calls.
    pub(super) agent: Agent,
    /// What the agent's numbers belong to.
    pub(super) shape: RunShape,
    /// When calls are to start; none if no more are.
    pub(super) load: Option<Load>,
    /// The sockets, in the order of the agent's [`SocketId`]s.
    pub(super) sockets: Vec<Socket>,
    /// The ways to and from the thread that runs the workers.
    pub(super) ways: Ways,
    /// Ends and begins of waits.
    pub(super) waiter: Waiter,
    /// What changes from turn to turn.
    pub(super) state: State,
}

/// The ways to and from the thread that runs the workers.
#[derive(Debug)]
pub(super) struct Ways {
    /// What to do.
    pub(super) commands: channel::Receiver<Command>,
    /// Intervals that are full.
    pub(super) seconds: channel::Sender<Second>,
    /// Intervals to be used again.
    pub(super) spare: channel::Receiver<Interval>,
    /// Calls that are left when no more are to start, [`STILL_STARTING`] before.
    pub(super) left: Arc<AtomicUsize>,
}

/// The number of calls left while calls are still to start.
pub(super) const STILL_STARTING: usize = usize::MAX;

/// What changes from turn to turn.
#[derive(Debug)]
pub(super) struct State {
    receiver: Receiver,
    sender: Sender,
    outbox: Outbox,
    /// How the last flush ended.
    flush: Flush,
    /// Of each socket, whether epoll tells when there is room to send.
    watched: Vec<bool>,
    /// Intended starts of calls whose first messages are not sent yet.
    unsent: Vec<Moment>,
    /// Whether more calls may be due than a turn starts.
    more: bool,
    /// How many seconds were handed over.
    seconds: u32,
    /// How long the worker worked in this second.
    busy: Duration,
}

impl State {
    /// The state before the first turn of a worker with so many sockets.
    pub(super) fn new(sockets: usize) -> Self {
        Self {
            receiver: Receiver::default(),
            sender: Sender::new(sockets),
            outbox: Outbox::default(),
            flush: Flush::Done,
            watched: vec![false; sockets],
            unsent: Vec::with_capacity(STARTS_A_TURN),
            more: false,
            seconds: 0,
            busy: Duration::ZERO,
        }
    }
}

/// Calls started a turn at most, so that receiving goes on beside it.
const STARTS_A_TURN: usize = 32;

/// How long calls that were not started in time are started after the schedule's end. What is
/// left then counts as offered and not started, so that a rate far out of reach does not make
/// the run endless.
const OVERTIME: Duration = Duration::from_secs(2);

impl Worker {
    /// Works until told to stop.
    pub(super) fn run(mut self) -> io::Result<Outcome> {
        for (position, socket) in self.sockets.iter_mut().enumerate() {
            socket.register(self.waiter.registry(), Token(position))?;
        }
        loop {
            let began = self.clock.now();
            self.hand_over(began);
            let worked = self.work(began)?;
            let now = self.clock.now();
            if worked {
                self.state.busy += now.since(began);
            }
            self.waiter.wait(now, self.next_event(now))?;
            for position in self.waiter.ready() {
                self.sockets[position].ready = true;
            }
            if self.waiter.woken() && self.obey()? {
                return self.end();
            }
        }
    }

    /// Does all that is to be done now. Gives whether there was anything.
    fn work(&mut self, now: Moment) -> io::Result<bool> {
        let mut worked = false;
        // While there is no room to send, nothing more is begun: it would only pile up.
        if self.state.flush == Flush::Done && self.start_calls(now) {
            worked = true;
            // Calls that are due do not wait for what else there is to do.
            self.flush()?;
        }
        if self.state.flush == Flush::Done {
            worked |= self.receive();
            worked |= self.handle_timeouts();
        }
        // Before the peers can know of it: a call that is over at the caller is then known to be
        // left over at the callee, whoever looks.
        self.tell_left(now);
        worked |= !self.state.outbox.datagrams().is_empty();
        self.flush()?;
        Ok(worked)
    }

    /// Starts calls that are due.
    fn start_calls(&mut self, now: Moment) -> bool {
        self.state.more = false;
        let Some(load) = &mut self.load else { return false };
        let mut started = 0;
        while started < STARTS_A_TURN {
            let Some(intended) = load.due(now, self.agent.in_flight()) else { break };
            self.agent.interval().tally.count(Count::Offered);
            self.agent.start_call(intended, now, &mut self.state.outbox);
            self.state.unsent.push(intended);
            started += 1;
        }
        let in_flight = self.agent.in_flight() as u64;
        let most = &mut self.agent.interval().most_in_flight;
        *most = in_flight.max(*most);
        self.state.more = started == STARTS_A_TURN;
        if self.state.more && now.since(load.end()) > OVERTIME {
            let in_flight = self.agent.in_flight();
            while load.due(now, in_flight).is_some() {
                self.agent.interval().tally.count(Count::Offered);
            }
        }
        started > 0
    }

    /// Receives a batch from each socket that has something.
    fn receive(&mut self) -> bool {
        let mut any = false;
        let state = &mut self.state;
        for (position, socket) in self.sockets.iter_mut().enumerate() {
            if !socket.ready {
                continue;
            }
            let received = state.receiver.receive(socket);
            if received.count == 0 {
                continue;
            }
            any = true;
            let tally = &mut self.agent.interval().tally;
            tally.add(Count::Received, received.count as u64);
            tally.add(Count::ReceivedBytes, received.bytes);
            tally.add(Count::Overrun, u64::from(received.overruns));
            let now = self.clock.now();
            let id = SocketId(u16::try_from(position).unwrap_or(u16::MAX));
            for landing in 0..received.landings {
                let Some((source, datagrams)) = state.receiver.datagrams(landing) else {
                    self.agent.interval().tally.count(Count::Unreadable);
                    continue;
                };
                for bytes in datagrams {
                    self.agent.handle_datagram(now, id, source, bytes, &mut state.outbox);
                }
            }
        }
        any
    }

    /// Does what timers ask for.
    fn handle_timeouts(&mut self) -> bool {
        let Some(next) = self.agent.next_timeout() else { return false };
        let now = self.clock.now();
        let due = next <= now;
        if due {
            self.agent.handle_timeouts(now, &mut self.state.outbox);
        }
        due
    }

    /// Sends what is in the outbox. How late a call is, is known when its first message has left.
    fn flush(&mut self) -> io::Result<()> {
        let state = &mut self.state;
        let before = state.flush;
        if !state.outbox.datagrams().is_empty() {
            let tally = &mut self.agent.interval().tally;
            state.flush = state.sender.flush(&mut state.outbox, &self.sockets, tally);
        }
        if state.flush == Flush::Done && !state.unsent.is_empty() {
            let now = self.clock.now();
            let lag = &mut self.agent.interval().lag;
            for intended in state.unsent.drain(..) {
                lag.record(now.since(intended));
            }
        }
        if before == Flush::Blocked || state.flush == Flush::Blocked {
            self.watch_room()?;
        }
        Ok(())
    }

    /// Has epoll tell when there is room to send, of those sockets that need it.
    fn watch_room(&mut self) -> io::Result<()> {
        let watched = self.state.watched.iter_mut();
        for (position, (socket, watched)) in self.sockets.iter_mut().zip(watched).enumerate() {
            let needed = self.state.sender.is_blocked(position);
            if needed != *watched {
                socket.watch_room(self.waiter.registry(), Token(position), needed)?;
                *watched = needed;
            }
        }
        Ok(())
    }

    /// Tells how many calls are left, once no more are to start.
    fn tell_left(&self, now: Moment) {
        if self.load.as_ref().is_none_or(|load| load.exhausted(now)) {
            let left = self.agent.in_flight() + self.agent.answering();
            self.ways.left.store(left, Ordering::Release);
        }
    }

    /// When there is something to do again, if nothing happens before.
    fn next_event(&self, now: Moment) -> Moment {
        let second = self.second_end();
        if self.state.flush == Flush::Blocked {
            return second;
        }
        if self.state.more || self.sockets.iter().any(|socket| socket.ready) {
            return now;
        }
        let start = self.load.as_ref().and_then(Load::next_wakeup).unwrap_or(second);
        second.min(start).min(self.agent.next_timeout().unwrap_or(second))
    }

    /// Does as it is told. Gives whether it is to stop.
    fn obey(&mut self) -> io::Result<bool> {
        while let Ok(command) = self.ways.commands.try_recv() {
            let now = self.clock.now();
            match command {
                Command::HangUp => {
                    self.load = None;
                    self.agent.hang_up(now, &mut self.state.outbox);
                    self.tell_left(now);
                    self.flush()?;
                }
                Command::Abandon => {
                    self.load = None;
                    self.agent.abandon(now);
                    self.tell_left(now);
                }
                Command::Stop => return Ok(true),
            }
        }
        Ok(false)
    }

    /// The end of the second that is being measured.
    fn second_end(&self) -> Moment {
        self.start + Duration::from_secs(u64::from(self.state.seconds) + 1)
    }

    /// Hands over the seconds that are over.
    fn hand_over(&mut self, now: Moment) {
        while now >= self.second_end() {
            let interval = self.close(self.second_end());
            let (worker, number) = (self.number, self.state.seconds);
            let second = Second { worker, number, interval, lines: self.agent.take_lines() };
            // If nobody takes it, the run is being given up.
            let _ = self.ways.seconds.send(second);
            self.state.seconds += 1;
        }
    }

    /// Ends the interval that is being measured and begins the next.
    fn close(&mut self, end: Moment) -> Interval {
        let mut fresh = match self.ways.spare.try_recv() {
            Ok(mut interval) => {
                interval.restart(end);
                interval
            }
            Err(_) => Interval::new(end, &self.shape),
        };
        let busy = std::mem::take(&mut self.state.busy);
        let in_flight = self.agent.in_flight() as u64;
        fresh.most_in_flight = in_flight;
        let mut interval = self.agent.exchange(fresh, end);
        interval.in_flight = in_flight;
        let nanos = u64::try_from(busy.as_nanos()).unwrap_or(u64::MAX);
        interval.tally.add(Count::BusyNanos, nanos);
        let length = interval.end.since(interval.start).as_secs_f64();
        if length > 0.0 {
            interval.busiest = (busy.as_secs_f64() / length).min(1.0);
        }
        interval
    }

    /// Hands everything back.
    fn end(mut self) -> io::Result<Outcome> {
        let now = self.clock.now();
        self.hand_over(now);
        let rest = self.close(now.max(self.start));
        for socket in &mut self.sockets {
            socket.deregister(self.waiter.registry())?;
        }
        let (lines, traces) = (self.agent.take_lines(), self.agent.take_traces());
        Ok(Outcome { rest, lines, traces, sockets: self.sockets })
    }
}
