//! Commands of the shell: one thread runs many of them, and waits for all of them at once.

use std::collections::VecDeque;
use std::ffi::OsStr;
use std::io::{self, Read, Write};
use std::os::fd::{AsRawFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use mio::event::Source;
use mio::unix::SourceFd;
use mio::unix::pipe::{Receiver, Sender};
use mio::{Events, Interest, Poll, Registry, Token, Waker};

use crate::jobs::{Answer, Ending, Mailbox, Order, ShellCommand};
use crate::limits::{COMMAND_COUNT_MAX, COMMAND_OUTPUT_BYTES_MAX};
use crate::sys;

/// The thread that runs commands.
#[derive(Debug)]
pub struct CommandRunner {
    stop: Arc<AtomicBool>,
    waker: Arc<Waker>,
    thread: JoinHandle<()>,
}

impl CommandRunner {
    /// Starts the thread that does what comes into `orders`. `now_ms` reads the monotonic clock
    /// (milliseconds).
    ///
    /// # Errors
    ///
    /// When the system gives no thread or no poll.
    pub fn start(
        orders: Mailbox<Order>,
        now_ms: impl Fn() -> u64 + Send + 'static,
    ) -> io::Result<Self> {
        let poll = Poll::new()?;
        let waker = Arc::new(Waker::new(poll.registry(), WAKER)?);
        let stop = Arc::new(AtomicBool::new(false));
        let woken = Arc::clone(&waker);
        orders.set_bell(move || {
            if let Err(error) = woken.wake() {
                tracing::warn!("the commands' thread cannot be woken: {error}");
            }
        });
        let seen_by_thread = Arc::clone(&stop);
        let thread = thread::Builder::new().name("commands".to_owned()).spawn(move || {
            let places = (0..COMMAND_COUNT_MAX).map(|_| None).collect();
            let desk = Desk { poll, orders, now_ms, waiting: VecDeque::new(), places };
            if let Err(error) = desk.work(&seen_by_thread) {
                tracing::error!("no more commands are run: {error}");
            }
        })?;
        Ok(Self { stop, waker, thread })
    }

    /// Kills all commands and waits for the thread.
    pub fn stop(self) {
        self.stop.store(true, Ordering::Release);
        if self.waker.wake().is_ok() {
            // It cannot have panicked without a report of its own.
            let _ = self.thread.join();
        }
    }
}

/// The token of the waker; those of the commands count from 0.
const WAKER: Token = Token(usize::MAX);

/// What of a command a token stands for: the token is its place times [`PARTS`] and one of these.
const INPUT: usize = 0;
/// See [`INPUT`].
const OUTPUT: usize = 1;
/// See [`INPUT`].
const END: usize = 2;
/// See [`INPUT`].
const PARTS: usize = 3;

/// The commands that run and those that wait for their turn.
struct Desk<F> {
    poll: Poll,
    orders: Mailbox<Order>,
    now_ms: F,
    /// As they came. They have the same time as a rule, so that the first is the first to be late.
    waiting: VecDeque<Waiting>,
    places: Vec<Option<Running>>,
}

/// A command whose turn has not come.
struct Waiting {
    order: Order,
    until_ms: u64,
}

/// A command that runs. When it is dropped, it is killed with all that it has started.
struct Running {
    child: Child,
    /// Tells when it has ended.
    end: OwnedFd,
    /// Its standard input, and how much of what it is to read has been written.
    input: Option<(Sender, usize)>,
    output: Option<Receiver>,
    read: Vec<u8>,
    /// What is to be answered; nothing once it is, and the command killed.
    order: Option<Order>,
    until_ms: u64,
    has_ended: bool,
}

impl<F: Fn() -> u64> Desk<F> {
    /// Works until told to stop.
    fn work(mut self, stop: &AtomicBool) -> io::Result<()> {
        let mut events = Events::with_capacity(PARTS * COMMAND_COUNT_MAX + 1);
        while !stop.load(Ordering::Acquire) {
            match self.poll.poll(&mut events, self.timeout()) {
                Err(error) if error.kind() != io::ErrorKind::Interrupted => return Err(error),
                _ => {}
            }
            for event in &events {
                let Token(token) = event.token();
                self.note(token / PARTS, token % PARTS);
            }
            let now = (self.now_ms)();
            self.give_up(now);
            while let Some(order) = self.orders.take() {
                let until_ms = now.saturating_add(order.command.time_ms);
                self.waiting.push_back(Waiting { order, until_ms });
            }
            self.start_waiting();
        }
        Ok(())
    }

    /// How long the poll may wait: until the time of some command is over.
    fn timeout(&self) -> Option<Duration> {
        let running = self.places.iter().flatten().filter(|running| running.order.is_some());
        let running = running.map(|running| running.until_ms);
        let due = running.chain(self.waiting.front().map(|waiting| waiting.until_ms)).min()?;
        Some(Duration::from_millis(due.saturating_sub((self.now_ms)())))
    }

    /// Does what an event of a part of a command asks for.
    fn note(&mut self, place: usize, part: usize) {
        let Some(Some(running)) = self.places.get_mut(place) else { return };
        match part {
            INPUT => running.write_input(),
            OUTPUT => running.read_output(),
            _ => {
                if let Some(status) = running.status() {
                    running.finish(status);
                    self.places[place] = None;
                }
            }
        }
    }

    /// Kills the commands whose time is over, and does not start those whose turn has not come
    /// in time.
    fn give_up(&mut self, now: u64) {
        for running in self.places.iter_mut().flatten() {
            if running.until_ms <= now {
                running.kill(Ending::Late);
            }
        }
        while self.waiting.front().is_some_and(|waiting| waiting.until_ms <= now) {
            let Some(late) = self.waiting.pop_front() else { return };
            late.order.answer(Answer { ending: Ending::Late, output: Vec::new() });
        }
    }

    /// Starts commands as long as there are places for them.
    fn start_waiting(&mut self) {
        for (number, place) in self.places.iter_mut().enumerate() {
            if self.waiting.is_empty() {
                return;
            }
            if place.is_none()
                && let Some(Waiting { order, until_ms }) = self.waiting.pop_front()
            {
                // What does not start is answered when it is dropped.
                *place = Running::start(order, until_ms, self.poll.registry(), number)
                    .inspect_err(|error| tracing::warn!("a command cannot be started: {error}"))
                    .ok();
            }
        }
    }
}

impl Running {
    /// Starts a command in a process group of its own.
    fn start(order: Order, until_ms: u64, registry: &Registry, place: usize) -> io::Result<Self> {
        let mut child = shell(&order.command).spawn()?;
        let end = sys::watch_process(child.id()).inspect_err(|_| abandon(&mut child))?;
        let input = child.stdin.take().map(|pipe| (Sender::from(pipe), 0));
        let output = child.stdout.take().map(Receiver::from);
        let mut running = Self {
            child,
            end,
            input,
            output,
            read: Vec::new(),
            order: Some(order),
            until_ms,
            has_ended: false,
        };
        let token = |part| Token(place * PARTS + part);
        let (readable, writable) = (Interest::READABLE, Interest::WRITABLE);
        let end = running.end.as_raw_fd();
        SourceFd(&end).register(registry, token(END), readable)?;
        if let Some(output) = &mut running.output {
            output.set_nonblocking(true)?;
            registry.register(output, token(OUTPUT), readable)?;
        }
        if let Some((input, _)) = &mut running.input {
            input.set_nonblocking(true)?;
            registry.register(input, token(INPUT), writable)?;
        }
        Ok(running)
    }

    /// Writes what the command's standard input takes. Closed once all is written, or when the
    /// command reads no more.
    fn write_input(&mut self) {
        let (Some((pipe, written)), Some(order)) = (&mut self.input, &self.order) else { return };
        loop {
            let rest = &order.command.input[*written..];
            match pipe.write(rest) {
                Ok(count) if count > 0 && count < rest.len() => *written += count,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                _ => return self.input = None,
            }
        }
    }

    /// Reads what the command has written so far.
    fn read_output(&mut self) {
        let Some(pipe) = &mut self.output else { return };
        let mut buffer = [0; 4_096];
        loop {
            match pipe.read(&mut buffer) {
                Ok(count) if count > 0 => {
                    if self.read.len() + count > COMMAND_OUTPUT_BYTES_MAX {
                        return self.kill(Ending::TooLoud);
                    }
                    self.read.extend_from_slice(&buffer[..count]);
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                _ => return self.output = None,
            }
        }
    }

    /// Answers that it had to be killed, and does so. Its place stays taken until it has ended.
    fn kill(&mut self, ending: Ending) {
        (self.input, self.output) = (None, None);
        if let Some(order) = self.order.take() {
            if !self.has_ended {
                // Fails if all have ended by themselves, which will be seen.
                let _ = sys::kill_group(self.child.id());
            }
            order.answer(Answer { ending, output: Vec::new() });
        }
    }

    /// Its status, once it has ended.
    fn status(&mut self) -> Option<ExitStatus> {
        let status = self.child.try_wait().ok().flatten();
        self.has_ended |= status.is_some();
        status
    }

    /// Answers how it ended, with what it had written by then. What it has left running goes on,
    /// but is not listened to.
    fn finish(&mut self, status: ExitStatus) {
        self.read_output();
        if let Some(order) = self.order.take() {
            let ending = status.code().map_or(Ending::Killed, Ending::Exited);
            order.answer(Answer { ending, output: std::mem::take(&mut self.read) });
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if !self.has_ended {
            abandon(&mut self.child);
        }
    }
}

/// Kills a command, with all that it has started, that has not been waited for.
fn abandon(child: &mut Child) {
    // Errors mean that it has ended meanwhile.
    let _ = sys::kill_group(child.id());
    let _ = child.wait();
}

/// The shell that runs a command.
fn shell(command: &ShellCommand) -> Command {
    let ShellCommand { line, environment, input, wants_output, .. } = command;
    let piped = |wanted| if wanted { Stdio::piped() } else { Stdio::null() };
    let variables = environment.iter();
    let variables =
        variables.map(|(name, value)| (OsStr::from_bytes(name), OsStr::from_bytes(value)));
    let mut shell = Command::new("/bin/sh");
    shell
        .arg("-c")
        .arg(OsStr::from_bytes(line))
        .envs(variables)
        .stdin(piped(!input.is_empty()))
        .stdout(piped(*wants_output))
        .process_group(0);
    shell
}
