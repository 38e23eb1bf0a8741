//! The workers: threads that hold sockets, run the agents and wait.

mod receive;
mod send;
mod socket;
mod turn;
mod wait;

use std::collections::VecDeque;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use core_affinity::CoreId;
use crossbeam_channel as channel;
use thiserror::Error;
use viaduct::sys;

pub use socket::{BindError, Socket};

use crate::agent::{Agent, Setup};
use crate::clock::Clock;
use crate::measure::{Interval, RunShape, Trace};
use crate::moment::Moment;
use crate::pace::Load;
use turn::{STILL_STARTING, State, Ways, Worker};
use wait::Waiter;

/// What a worker is to do.
#[derive(Debug)]
pub struct Job {
    /// Its agent; the addresses of its sockets are filled in from `sockets`.
    pub setup: Setup,
    /// When calls start; none if it only answers.
    pub load: Option<Load>,
    /// Its sockets, in the order of the agent's socket numbers.
    pub sockets: Vec<Socket>,
    /// The core that it stays on, if any.
    pub core: Option<CoreId>,
}

/// What a running worker can be told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Command {
    /// Start no more calls, and end those in progress as one who hangs up.
    HangUp,
    /// Give up all calls that are left.
    Abandon,
    /// Hand everything back.
    Stop,
}

/// What a worker measured in a second.
#[derive(Debug)]
struct Second {
    worker: usize,
    /// Counted from the start of the run.
    number: u32,
    interval: Interval,
    /// What scenarios wrote for people.
    lines: Vec<String>,
}

/// What a worker hands back.
#[derive(Debug)]
struct Outcome {
    /// What it measured in the last second that is not a whole one.
    rest: Interval,
    lines: Vec<String>,
    traces: Vec<Trace>,
    sockets: Vec<Socket>,
}

/// A worker ended before it was told to.
#[derive(Debug, Error)]
pub enum WorkerError {
    /// The system refused something.
    #[error("worker {worker} failed: {}", sys::reason(source))]
    System {
        /// Its number.
        worker: usize,
        /// What the system said.
        source: io::Error,
    },
    /// A defect.
    #[error("worker {worker} failed by a defect of viaload: {message}")]
    Panic {
        /// Its number.
        worker: usize,
        /// What it said.
        message: String,
    },
}

/// Workers that run together.
#[derive(Debug)]
pub struct Crew {
    shape: RunShape,
    start: Moment,
    members: Vec<Member>,
    seconds: channel::Receiver<Second>,
    /// Seconds that not all workers have handed over, and how many have.
    pending: VecDeque<(Interval, usize)>,
    /// How many seconds were complete.
    complete: u32,
    /// What scenarios wrote for people and nobody has taken yet.
    lines: Vec<String>,
}

/// A worker, seen from outside.
#[derive(Debug)]
struct Member {
    thread: JoinHandle<io::Result<Outcome>>,
    commands: channel::Sender<Command>,
    waker: mio::Waker,
    spare: channel::Sender<Interval>,
    left: Arc<AtomicUsize>,
}

/// What a crew hands back.
#[derive(Debug, Default)]
pub struct Harvest {
    /// Seconds that were not given before, the last one shorter.
    pub seconds: Vec<Interval>,
    /// What scenarios wrote for people and was not taken before.
    pub lines: Vec<String>,
    /// Calls kept.
    pub traces: Vec<Trace>,
    /// The sockets of each worker.
    pub sockets: Vec<Vec<Socket>>,
}

/// Seconds a worker may be ahead of who collects them.
const SECONDS_AHEAD: usize = 16;

impl Crew {
    /// Starts a worker for each job. Seconds are counted from `start`, which is best a moment
    /// ahead, so that all workers are there by then.
    ///
    /// # Errors
    ///
    /// When the system gives no thread, event queue or timer.
    pub fn start(jobs: Vec<Job>, clock: Clock, start: Moment) -> io::Result<Self> {
        let (to_crew, seconds) = channel::bounded(SECONDS_AHEAD * jobs.len().max(1));
        let shape = jobs.first().map(|job| job.setup.cast.shape.clone()).unwrap_or_default();
        let mut crew = Self {
            shape,
            start,
            members: Vec::with_capacity(jobs.len()),
            seconds,
            pending: VecDeque::new(),
            complete: 0,
            lines: Vec::new(),
        };
        for (number, job) in jobs.into_iter().enumerate() {
            crew.members.push(enlist(number, job, clock, start, to_crew.clone())?);
        }
        Ok(crew)
    }

    /// Tells all workers.
    pub fn tell(&self, command: Command) {
        for member in &self.members {
            // A worker that has ended hears nothing; that it has is found by `has_failed`.
            let _ = member.commands.send(command);
            let _ = member.waker.wake();
        }
    }

    /// The next second, of all workers together, when it is complete; none if it does not get so
    /// within `timeout`.
    pub fn second(&mut self, timeout: Duration) -> Option<Interval> {
        loop {
            if let Some(complete) = self.take_complete() {
                return Some(complete);
            }
            let second = self.seconds.recv_timeout(timeout).ok()?;
            self.add(second);
        }
    }

    /// What scenarios wrote for people (`<log>`) since this was asked last.
    pub fn take_lines(&mut self) -> Vec<String> {
        std::mem::take(&mut self.lines)
    }

    /// Calls that are left, of callers and callees; none while calls are still to start.
    #[must_use]
    pub fn left(&self) -> Option<usize> {
        let each = self.members.iter().map(|member| member.left.load(Ordering::Acquire));
        each.map(|left| (left != STILL_STARTING).then_some(left)).sum()
    }

    /// Whether a worker has ended although nobody told it to; [`Crew::end`] tells why.
    #[must_use]
    pub fn has_failed(&self) -> bool {
        self.members.iter().any(|member| member.thread.is_finished())
    }

    /// Stops all workers and takes back what they have.
    ///
    /// # Errors
    ///
    /// [`WorkerError`]
    pub fn end(mut self) -> Result<Harvest, WorkerError> {
        self.tell(Command::Stop);
        let mut outcomes = Vec::new();
        for (worker, member) in std::mem::take(&mut self.members).into_iter().enumerate() {
            // A worker may hold a second for us that has no room in the channel.
            while !member.thread.is_finished() {
                if let Ok(second) = self.seconds.recv_timeout(END_CHECK) {
                    self.add(second);
                }
            }
            outcomes.push(outcome(worker, member.thread)?);
        }
        while let Ok(second) = self.seconds.try_recv() {
            self.add(second);
        }
        let mut harvest = Harvest { lines: self.take_lines(), ..Harvest::default() };
        let mut rests = Vec::new();
        for outcome in outcomes {
            harvest.lines.extend(outcome.lines);
            harvest.traces.extend(outcome.traces);
            harvest.sockets.push(outcome.sockets);
            rests.push(outcome.rest);
        }
        harvest.seconds = self.last_seconds(&rests);
        Ok(harvest)
    }

    /// Seconds that were not given yet, with the workers' rests.
    fn last_seconds(mut self, rests: &[Interval]) -> Vec<Interval> {
        for rest in rests {
            let number = rest.start.since(self.start).as_secs();
            self.merge(u32::try_from(number).unwrap_or(u32::MAX), rest);
        }
        self.pending.into_iter().map(|(interval, _)| interval).collect()
    }

    /// Adds a worker's second to the others', and gives the worker its memory back.
    fn add(&mut self, second: Second) {
        let Second { worker, number, interval, lines } = second;
        self.merge(number, &interval);
        self.lines.extend(lines);
        if let Some(member) = self.members.get(worker) {
            let _ = member.spare.try_send(interval);
        }
    }

    /// Adds to second `number`.
    fn merge(&mut self, number: u32, interval: &Interval) {
        let position = number.saturating_sub(self.complete) as usize;
        while self.pending.len() <= position {
            let next = u64::from(self.complete) + self.pending.len() as u64;
            let begin = self.start + Duration::from_secs(next);
            self.pending.push_back((Interval::new(begin, &self.shape), 0));
        }
        let (sum, count) = &mut self.pending[position];
        sum.merge(interval);
        *count += 1;
    }

    /// The first of the pending seconds if all workers have handed it over.
    fn take_complete(&mut self) -> Option<Interval> {
        let (_, count) = self.pending.front()?;
        if *count < self.members.len() {
            return None;
        }
        self.complete += 1;
        self.pending.pop_front().map(|(interval, _)| interval)
    }
}

/// How often it is looked whether a worker has ended.
const END_CHECK: Duration = Duration::from_millis(1);

/// Starts the thread of a worker.
fn enlist(
    number: usize,
    job: Job,
    clock: Clock,
    start: Moment,
    seconds: channel::Sender<Second>,
) -> io::Result<Member> {
    let Job { mut setup, load, sockets, core } = job;
    setup.sockets = sockets.iter().map(Socket::address).collect();
    let (waiter, waker) = Waiter::new()?;
    let (command_sender, commands) = channel::unbounded();
    let (spare_sender, spare) = channel::bounded(SECONDS_AHEAD);
    let left = Arc::new(AtomicUsize::new(STILL_STARTING));
    let ways = Ways { commands, seconds, spare, left: left.clone() };
    let work = move || {
        if let Some(core) = core {
            // A core that is not ours to use leaves the choice to the scheduler.
            let _ = core_affinity::set_for_current(core);
        }
        let shape = setup.cast.shape.clone();
        let state = State::new(sockets.len());
        let agent = Agent::new(setup, start);
        Worker { number, clock, start, agent, shape, load, sockets, ways, waiter, state }.run()
    };
    let thread = thread::Builder::new().name(format!("worker-{number}")).spawn(work)?;
    Ok(Member { thread, commands: command_sender, waker, spare: spare_sender, left })
}

/// How a worker's thread ended.
fn outcome(worker: usize, thread: JoinHandle<io::Result<Outcome>>) -> Result<Outcome, WorkerError> {
    match thread.join() {
        Ok(result) => result.map_err(|source| WorkerError::System { worker, source }),
        Err(panic) => {
            let text = panic.downcast_ref::<&str>().map(|text| (*text).to_owned());
            let message = text.or_else(|| panic.downcast_ref::<String>().cloned());
            let message = message.unwrap_or_else(|| "no message".to_owned());
            Err(WorkerError::Panic { worker, message })
        }
    }
}

#[cfg(test)]
mod tests {
    use std::net::{SocketAddr, UdpSocket};

    use super::*;
    use crate::measure::Count;
    use crate::outbox::SocketId;
    use crate::pace::Closed;
    use crate::scenario::Cast;

    /// Longer than any of these tests takes.
    const LONG: Duration = Duration::from_secs(60);

    /// A worker that has one socket, and no programs.
    fn job(worker: usize, load: Option<Load>) -> Job {
        let socket = Socket::bind("127.0.0.1:0".parse().unwrap()).unwrap();
        let address = socket.address();
        let setup = Setup {
            callee_socket: Some(SocketId(0)),
            callee_addresses: Arc::from([address]),
            worker: (worker, 2),
            ..Setup::new(Arc::new(Cast::new(Vec::new(), Vec::new())), address.ip())
        };
        Job { setup, load, sockets: vec![socket], core: None }
    }

    /// Sends an OPTIONS and waits for its answer.
    fn ask(peer: &UdpSocket, server: SocketAddr) -> String {
        let own = peer.local_addr().unwrap();
        let request = format!(
            "OPTIONS sip:{server} SIP/2.0\r\nVia: SIP/2.0/UDP {own};branch=z9hG4bK{server}\r\n\
             From: <sip:a@{own}>;tag=1\r\nTo: <sip:{server}>\r\nCall-ID: {server}\r\n\
             CSeq: 1 OPTIONS\r\nMax-Forwards: 70\r\nContent-Length: 0\r\n\r\n"
        );
        peer.send_to(request.as_bytes(), server).unwrap();
        let mut bytes = [0; 2_000];
        let length = peer.recv(&mut bytes).unwrap();
        String::from_utf8_lossy(&bytes[..length]).into_owned()
    }

    #[test]
    fn all_workers_answer_and_their_seconds_are_those_of_the_run() {
        let clock = Clock::start();
        let start = clock.now();
        let jobs = vec![job(0, None), job(1, None)];
        let addresses: Vec<_> = jobs.iter().map(|job| job.sockets[0].address()).collect();
        let mut crew = Crew::start(jobs, clock, start).unwrap();
        let peer = UdpSocket::bind("127.0.0.1:0").unwrap();
        for address in &addresses {
            assert!(ask(&peer, *address).starts_with("SIP/2.0 200 "));
        }
        let first = crew.second(LONG).unwrap();
        assert_eq!((first.start, first.end), (start, start + Duration::from_secs(1)));
        assert_eq!(crew.left(), Some(0));
        let mut harvest = crew.end().unwrap();
        let mut total = first;
        harvest.seconds.drain(..).for_each(|second| total.merge(&second));
        assert_eq!((total.tally.get(Count::Received), total.tally.get(Count::Sent)), (2, 2));
        assert!(total.tally.get(Count::ReceivedBytes) > total.tally.get(Count::Received));
        let back: Vec<_> = harvest.sockets.iter().map(|own| own[0].address()).collect();
        assert_eq!(back, addresses);
    }

    #[test]
    fn sockets_that_came_back_serve_again() {
        let clock = Clock::start();
        let crew = Crew::start(vec![job(0, None)], clock, clock.now()).unwrap();
        let sockets = crew.end().unwrap().sockets.remove(0);
        let address = sockets[0].address();
        let again = Job { sockets, ..job(0, None) };
        let crew = Crew::start(vec![again], clock, clock.now()).unwrap();
        let peer = UdpSocket::bind("127.0.0.1:0").unwrap();
        assert!(ask(&peer, address).starts_with("SIP/2.0 200 "));
        crew.end().unwrap();
    }

    #[test]
    fn it_is_not_known_what_is_left_until_no_more_is_to_start() {
        let clock = Clock::start();
        let endless = Closed::new(1, (0, 1), None, clock.now() + LONG * 60);
        let jobs = vec![job(0, Some(Load::Closed(endless))), job(1, None)];
        let mut crew = Crew::start(jobs, clock, clock.now()).unwrap();
        assert_eq!(crew.left(), None);
        crew.tell(Command::HangUp);
        // The end of a second comes behind the command.
        while crew.left().is_none() {
            assert!(crew.second(LONG).is_some());
        }
        assert_eq!(crew.left(), Some(0));
        crew.end().unwrap();
    }

    #[test]
    fn why_a_worker_failed_is_told() {
        let defect = thread::spawn(|| panic!("broken"));
        let error = outcome(3, defect).unwrap_err().to_string();
        assert_eq!(error, "worker 3 failed by a defect of viaload: broken");
        let refused = thread::spawn(|| Err(io::Error::from(io::ErrorKind::PermissionDenied)));
        let error = outcome(3, refused).unwrap_err().to_string();
        assert_eq!(error, "worker 3 failed: permission denied");
    }
}
