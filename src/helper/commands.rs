//! Commands of the shell: one thread runs many of them, and waits for all of them at once.

use std::collections::VecDeque;
use std::fs::File;
use std::io::{self, Read, Write};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};
use std::process::{ChildStdin, ChildStdout, ExitStatus};
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
        let null = File::options().read(true).write(true).open("/dev/null")?;
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
            let desk = Desk { poll, orders, now_ms, waiting: VecDeque::new(), places, null };
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
    /// What commands read that get nothing, and write to that are not listened to.
    null: File,
}

/// A command whose turn has not come.
struct Waiting {
    order: Order,
    until_ms: u64,
}

/// A command that runs. When it is dropped, it is killed with all that it has started.
struct Running {
    /// The shell, the first of its process group.
    pid: u32,
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
        let (registry, null) = (self.poll.registry(), self.null.as_fd());
        for (number, place) in self.places.iter_mut().enumerate() {
            while place.is_none()
                && let Some(Waiting { order, until_ms }) = self.waiting.pop_front()
            {
                // What does not start is answered when it is dropped.
                *place = Running::start(order, until_ms, (registry, null), number)
                    .inspect_err(|error| tracing::warn!("a command cannot be started: {error}"))
                    .ok();
            }
        }
    }
}

impl Running {
    /// Starts a command.
    fn start(
        order: Order,
        until_ms: u64,
        (registry, null): (&Registry, BorrowedFd<'_>),
        place: usize,
    ) -> io::Result<Self> {
        let ShellCommand { line, environment, input, wants_output, .. } = &order.command;
        let reads = (!input.is_empty()).then(io::pipe).transpose()?;
        let writes = wants_output.then(io::pipe).transpose()?;
        let theirs = reads.as_ref().map_or(null, |(theirs, _)| theirs.as_fd());
        let to_us = writes.as_ref().map_or(null, |(_, theirs)| theirs.as_fd());
        let pid = sys::start_shell(line, environment, theirs, to_us)?;
        let end = sys::watch_process(pid).inspect_err(|_| abandon(pid))?;
        let input = reads.map(|(_, own)| (Sender::from(ChildStdin::from(OwnedFd::from(own))), 0));
        let output = writes.map(|(own, _)| Receiver::from(ChildStdout::from(OwnedFd::from(own))));
        let mut running = Self {
            pid,
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
                let _ = sys::kill_group(self.pid);
            }
            order.answer(Answer { ending, output: Vec::new() });
        }
    }

    /// Its status, once it has ended.
    fn status(&mut self) -> Option<ExitStatus> {
        let status = sys::exit_status(self.pid, false).ok().flatten();
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
            abandon(self.pid);
        }
    }
}

/// Kills a command, with all that it has started, that has not been waited for.
fn abandon(pid: u32) {
    // Errors mean that it has ended meanwhile.
    let _ = sys::kill_group(pid);
    let _ = sys::exit_status(pid, true);
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::PathBuf;
    use std::process::Command;
    use std::sync::atomic::AtomicU64;

    use super::*;
    use crate::jobs::{Completion, JobQueue};

    /// A runner whose clock the test sets, and a worker that waits for its answers.
    struct Bench {
        runner: CommandRunner,
        queue: JobQueue,
        answers: Mailbox<Completion>,
        rings: crossbeam_channel::Receiver<()>,
        clock: Arc<AtomicU64>,
        ordered: u64,
    }

    impl Bench {
        /// A runner that has nothing to do, at time 0.
        fn new() -> Self {
            let (orders, answers) = (Mailbox::new(), Mailbox::new());
            let queue = JobQueue::new(orders.address(), answers.address());
            let clock = Arc::new(AtomicU64::new(0));
            let (ring, rings) = crossbeam_channel::unbounded();
            answers.set_bell(move || ring.send(()).unwrap());
            let read = Arc::clone(&clock);
            let now_ms = move || read.load(Ordering::Relaxed);
            let runner = CommandRunner::start(orders, now_ms).unwrap();
            Self { runner, queue, answers, rings, clock, ordered: 0 }
        }

        /// Orders a command.
        fn order(&mut self, line: &str, command: ShellCommand) {
            let line = line.as_bytes().to_vec();
            self.queue.order(self.ordered, ShellCommand { line, ..command });
            self.ordered += 1;
        }

        /// Waits for an answer.
        fn answer(&self) -> (u64, Ending, String) {
            self.rings.recv().unwrap();
            let Completion { job, answer } = self.answers.take().unwrap();
            (job, answer.ending, String::from_utf8(answer.output).unwrap())
        }

        /// Runs a command whose output is wanted.
        fn run(&mut self, line: &str, command: ShellCommand) -> (Ending, String) {
            self.order(line, ShellCommand { wants_output: true, ..command });
            let (_, ending, output) = self.answer();
            (ending, output)
        }

        /// Sets the clock. The runner sees it when something happens.
        fn set_clock(&mut self, now_ms: u64) {
            self.clock.store(now_ms, Ordering::Relaxed);
            self.runner.waker.wake().unwrap();
        }
    }

    /// A FIFO of that name that nobody has opened.
    fn fifo(name: &str) -> PathBuf {
        let name = format!("viaduct-commands-{name}-{}", std::process::id());
        let path = std::env::temp_dir().join(name);
        let _ = fs::remove_file(&path);
        assert!(Command::new("mkfifo").arg(&path).status().unwrap().success());
        path
    }

    /// Whether a process is there and not merely waiting to be waited for.
    fn is_alive(pid: &str) -> bool {
        let stat = fs::read_to_string(format!("/proc/{}/stat", pid.trim())).unwrap_or_default();
        let state = stat.rsplit(')').next().and_then(|rest| rest.trim().chars().next());
        state.is_some_and(|state| state != 'Z')
    }

    const PLAIN: ShellCommand = ShellCommand {
        line: Vec::new(),
        environment: Vec::new(),
        input: Vec::new(),
        wants_output: false,
        time_ms: 1_000,
    };

    #[test]
    fn a_command_has_its_input_and_environment_and_is_heard() {
        let mut bench = Bench::new();
        let environment = vec![
            (b"A".to_vec(), b"$(id) `id` 'x' \"y\" ; \xff".to_vec()),
            (b"B".to_vec(), Vec::new()),
        ];
        let input = b"first\nsecond".to_vec();
        let command = ShellCommand { input, environment, ..PLAIN };
        let line = "cat; printf '|%s|' \"${A}\" | tr '\\377' '!'; printf %s \"${B-none}\"; exit 3";
        let output = "first\nsecond|$(id) `id` 'x' \"y\" ; !|".to_owned();
        assert_eq!(bench.run(line, command), (Ending::Exited(3), output));
        assert_eq!(bench.run("cat", PLAIN), (Ending::Exited(0), String::new()));
        bench.runner.stop();
    }

    #[test]
    fn what_fails_is_told() {
        let mut bench = Bench::new();
        assert_eq!(bench.run("exec 2> /dev/null; no-such-command", PLAIN).0, Ending::Exited(127));
        assert_eq!(bench.run("kill -9 $$", PLAIN).0, Ending::Killed);
        assert_eq!(bench.run("a\0b", PLAIN).0, Ending::NotStarted);
        let environment = vec![(b"A".to_vec(), b"\0".to_vec())];
        let command = ShellCommand { environment, ..PLAIN };
        assert_eq!(bench.run("true", command).0, Ending::NotStarted);
        let environment = vec![(b"A".to_vec(), vec![b'x'; 1 << 20])];
        let command = ShellCommand { environment, ..PLAIN };
        assert_eq!(bench.run("true", command).0, Ending::NotStarted);
        assert_eq!(bench.run("echo on", PLAIN), (Ending::Exited(0), "on\n".to_owned()));
        bench.runner.stop();
    }

    #[test]
    fn large_input_and_output_go_through_and_endless_output_does_not() {
        let mut bench = Bench::new();
        let input: Vec<u8> =
            (0..COMMAND_OUTPUT_BYTES_MAX).map(|at| b'a' + (at % 26) as u8).collect();
        let text = String::from_utf8(input.clone()).unwrap();
        let command = || ShellCommand { input: input.clone(), ..PLAIN };
        assert_eq!(bench.run("cat", command()), (Ending::Exited(0), text));
        assert_eq!(bench.run("cat; echo", command()).0, Ending::TooLoud);
        assert_eq!(bench.run("while :; do echo xxxxxxxx; done", PLAIN).0, Ending::TooLoud);
        // One that reads nothing of its input, or closes it at once.
        assert_eq!(bench.run("exit 1", command()).0, Ending::Exited(1));
        assert_eq!(bench.run("exec <&-; echo x", command()).1, "x\n");
        bench.runner.stop();
    }

    #[test]
    fn a_late_command_is_killed_with_all_that_it_has_started() {
        let mut bench = Bench::new();
        let (ready, gate) = (fifo("late-ready"), fifo("late-gate"));
        let (told, kept) = (ready.display(), gate.display());
        bench.order(&format!("cat {kept} & echo $! > {told}; cat {kept}"), PLAIN);
        let child = fs::read_to_string(&ready).unwrap();
        assert!(is_alive(&child));
        bench.set_clock(999);
        bench.order("true", PLAIN);
        assert_eq!(bench.answer().0, 1, "the other one is not late yet");
        bench.set_clock(1_000);
        assert_eq!(bench.answer(), (0, Ending::Late, String::new()));
        while is_alive(&child) {
            thread::yield_now();
        }
        bench.runner.stop();
        for path in [ready, gate] {
            fs::remove_file(path).unwrap();
        }
    }

    #[test]
    fn what_a_command_leaves_running_holds_nobody_up() {
        let mut bench = Bench::new();
        let gate = fifo("left");
        let line = format!("echo out; (cat {}; echo late) & exit 0", gate.display());
        assert_eq!(bench.run(&line, PLAIN), (Ending::Exited(0), "out\n".to_owned()));
        fs::write(&gate, "go").unwrap();
        bench.runner.stop();
        fs::remove_file(gate).unwrap();
    }

    #[test]
    fn so_many_run_at_once_and_others_wait_for_their_turn_or_in_vain() {
        let mut bench = Bench::new();
        let gate = fifo("turn");
        let line = format!("read line < {}", gate.display());
        for _ in 0..COMMAND_COUNT_MAX {
            bench.order(&line, PLAIN);
        }
        bench.order("in vain", ShellCommand { time_ms: 0, ..PLAIN });
        let vain = COMMAND_COUNT_MAX as u64;
        assert_eq!(bench.answer(), (vain, Ending::Late, String::new()));
        bench.order("true", ShellCommand { time_ms: u64::MAX, ..PLAIN });
        bench.set_clock(1_000);
        let answers: Vec<_> = (0..COMMAND_COUNT_MAX).map(|_| bench.answer()).collect();
        assert!(answers.iter().all(|(job, ending, _)| *job < vain && *ending == Ending::Late));
        assert_eq!(bench.answer(), (vain + 1, Ending::Exited(0), String::new()));
        bench.runner.stop();
        fs::remove_file(gate).unwrap();
    }

    #[test]
    fn what_runs_when_the_server_ends_is_killed() {
        let mut bench = Bench::new();
        let (ready, gate) = (fifo("end-ready"), fifo("end-gate"));
        let (told, kept) = (ready.display(), gate.display());
        bench.order(&format!("echo $$ > {told}; cat {kept}; true"), PLAIN);
        let shell = fs::read_to_string(&ready).unwrap();
        let Bench { runner, answers, .. } = bench;
        runner.stop();
        assert!(!is_alive(&shell));
        assert_eq!(answers.take().unwrap().answer.ending, Ending::NotStarted);
        for path in [ready, gate] {
            fs::remove_file(path).unwrap();
        }
    }
}
