//! Two workers do not write what the other one touches, message by message: neither a counter
//! nor a reference count nor the location table makes a cache line go from core to core.
//!
//! The test runs itself under `valgrind --tool=lackey`, which tells each address that is read and
//! written, and compares the cache lines of two workers at work. No clock is in it.

#![expect(clippy::unwrap_used, reason = "what fails here fails the run")]

#[path = "support/core.rs"]
#[expect(dead_code, reason = "each test file uses a part of it")]
mod core_support;
#[path = "../benches/support/traffic.rs"]
#[expect(dead_code, reason = "shared with the benches")]
mod traffic;

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::io::{self, BufRead, BufReader, Write};
use std::net::SocketAddr;
use std::ops::{Range, RangeInclusive};
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread;

use core_support::{CoreBench, Shared, program};

/// Octets of a cache line, as processors of today move them between cores.
const LINE_BYTES: u64 = 64;
/// Messages before anything is compared.
const WARM: u32 = 2;
/// Messages of each kind that are compared.
const MEASURED: u32 = 3;
/// Set for the run that is looked at.
const WATCHED: &str = "VIADUCT_TEST_WATCHED";
/// Begins a line of the watched run, to be told from valgrind's.
const MARK: &str = "@@";
/// Begins a line of the watched run that tells where a worker's stack is.
const STACK: &str = "##";
/// Octets to both sides of that which are the worker's own: while it waits for its turn it still
/// reads and writes there.
const STACK_BYTES: u64 = 512 << 10;
/// What the workers do, one message between two marks.
const WORK: [&str; 4] = ["invite", "response", "refresh", "not found"];
/// Runs of which one has to find nothing shared.
const RUNS: u32 = 3;
/// Work at which both add to one counter: that must be seen.
const CONTROL: &str = "a shared counter";

#[test]
fn workers_at_work_share_no_line_that_one_of_them_writes() {
    if std::env::var_os(WATCHED).is_some() {
        return two_workers();
    }
    // What two users have may lie beside each other by chance; what is shared by design is shared
    // in each run.
    let mut found = Vec::new();
    for _ in 0..RUNS {
        let Some(touched) = watch() else {
            let _ = writeln!(io::stderr(), "no valgrind: not tested");
            return;
        };
        assert!(!shared_lines(&touched, CONTROL).is_empty(), "what is shared is not seen");
        found = WORK.map(|work| (work, shared_lines(&touched, work))).to_vec();
        if found.iter().all(|(_, lines)| lines.is_empty()) {
            return;
        }
    }
    panic!("in {RUNS} runs, the last time: {found:#x?}");
}

/// Addresses of the cache lines that one worker writes to for most messages of that kind, and
/// that the other one touches for most.
fn shared_lines(touched: &BTreeMap<String, Lines>, work: &str) -> Vec<u64> {
    let often = |lines: &BTreeMap<u64, u32>| -> BTreeSet<u64> {
        let often = lines.iter().filter(|(_, times)| 2 * **times > MEASURED);
        often.map(|(line, _)| line * LINE_BYTES).collect()
    };
    let [first, second] = [0, 1].map(|worker| {
        let lines = &touched[&format!("{worker} {work}")];
        (often(&lines.written), often(&lines.touched))
    });
    assert!(first.0.len() > 20, "{work}: a message writes more than that");
    first.0.intersection(&second.1).chain(second.0.intersection(&first.1)).copied().collect()
}

/// The cache lines that a worker touched at one kind of work, and for how many messages.
#[derive(Debug, Default)]
struct Lines {
    written: BTreeMap<u64, u32>,
    /// Those read or written.
    touched: BTreeMap<u64, u32>,
}

/// Runs this test under valgrind: the lines by worker and work, or `None` if there is no valgrind.
fn watch() -> Option<BTreeMap<String, Lines>> {
    let mut child = Command::new("valgrind")
        .args(["--tool=lackey", "--basic-counts=no", "--trace-mem=yes"])
        .arg(std::env::current_exe().unwrap())
        .args(["--exact", "workers_at_work_share_no_line_that_one_of_them_writes", "--nocapture"])
        .env(WATCHED, "1")
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .ok()?;
    let lines = collect(BufReader::new(child.stderr.take().unwrap()));
    assert!(child.wait().unwrap().success(), "the watched run failed");
    Some(lines)
}

/// Reads what valgrind tells, ` S address,size` and its like, and keeps what lies between marks.
fn collect(mut told: impl BufRead) -> BTreeMap<String, Lines> {
    let mut collection = Collection::default();
    let mut text = String::new();
    while told.read_line(&mut text).unwrap() > 0 {
        let line = text.trim_end();
        if let Some(mark) = line.strip_prefix(MARK) {
            collection.end_message();
            collection.at_work = Some(mark.to_owned()).filter(|mark| !mark.is_empty());
        } else if let Some(stack) = line.strip_prefix(STACK) {
            let (worker, address) = stack.split_once(' ').unwrap();
            let middle = u64::from_str_radix(address, 16).unwrap();
            let stack = middle - STACK_BYTES..middle + STACK_BYTES;
            collection.stacks.insert(worker.to_owned(), stack);
        } else if collection.at_work.is_some()
            && let Some((stores, lines)) = access(line)
        {
            collection.add(stores, lines);
        }
        text.clear();
    }
    collection.all
}

/// What is collected.
#[derive(Debug, Default)]
struct Collection {
    all: BTreeMap<String, Lines>,
    /// Where the stacks of the workers are.
    stacks: BTreeMap<String, Range<u64>>,
    /// The worker and what it does.
    at_work: Option<String>,
    /// Lines written to for the present message.
    written: BTreeSet<u64>,
    /// Lines touched for the present message.
    touched: BTreeSet<u64>,
}

impl Collection {
    /// Adds lines that the present message touches, if it is its worker that does.
    fn add(&mut self, stores: bool, lines: RangeInclusive<u64>) {
        let worker = self.at_work.as_deref().and_then(|work| work.split(' ').next());
        let is_of_other = |(owner, stack): (&String, &Range<u64>)| {
            Some(owner.as_str()) != worker && stack.contains(&(lines.start() * LINE_BYTES))
        };
        if self.stacks.iter().any(is_of_other) {
            return;
        }
        self.touched.extend(lines.clone());
        if stores {
            self.written.extend(lines);
        }
    }

    /// Counts the lines of the message that ends.
    fn end_message(&mut self) {
        let Some(work) = self.at_work.take() else { return };
        let Lines { written, touched } = self.all.entry(work).or_default();
        for (once, all) in [(&mut self.written, written), (&mut self.touched, touched)] {
            for line in std::mem::take(once) {
                *all.entry(line).or_default() += 1;
            }
        }
    }
}

/// Whether the access that valgrind tells of stores something, and the cache lines it touches.
fn access(line: &str) -> Option<(bool, RangeInclusive<u64>)> {
    let (kind, place) = line.split_at_checked(3)?;
    let stored = match kind {
        " S " | " M " => true,
        " L " => false,
        _ => return None,
    };
    let (address, size) = place.split_once(',')?;
    let address = u64::from_str_radix(address, 16).ok()?;
    let size: u64 = size.parse().ok()?;
    Some((stored, address / LINE_BYTES..=(address + size.max(1) - 1) / LINE_BYTES))
}

/// What is watched: two workers on threads of their own, one at a time.
fn two_workers() {
    let shared = Shared::new(program(include_str!("../examples/default.cfg")), Arc::default());
    let (turn, control) = (AtomicU32::new(0), AtomicU32::new(0));
    thread::scope(|scope| {
        for number in [0, 1] {
            let (shared, turn, control) = (&shared, &turn, &control);
            scope.spawn(move || work_in_turn(&mut Desk::new(number, shared, control), turn));
        }
    });
}

/// Does a message whenever it is this worker's turn, of each kind so many, some of them marked.
fn work_in_turn(desk: &mut Desk<'_>, turn: &AtomicU32) {
    for work in WORK.into_iter().chain([CONTROL]) {
        for count in 0..WARM + MEASURED {
            // Nobody else does anything meanwhile: it would be taken for this worker's doing.
            while turn.load(Ordering::Acquire) != desk.number {
                thread::yield_now();
            }
            desk.work(work, count >= WARM);
            turn.store(1 - desk.number, Ordering::Release);
        }
    }
}

/// A worker's core, and what it needs to be given work.
struct Desk<'c> {
    number: u32,
    bench: CoreBench,
    cseq: u32,
    ringing: Vec<u8>,
    control: &'c AtomicU32,
    marks: File,
}

impl<'c> Desk<'c> {
    /// A desk with its user registered.
    fn new(number: u32, shared: &Shared, control: &'c AtomicU32) -> Self {
        let mut bench = CoreBench::beside(shared);
        let user = format!("user{number}");
        assert_eq!(bench.send(traffic::GATEWAY, traffic::register(&user, 1)).len(), 1);
        let forwarded = bench.send(traffic::PHONE, traffic::invite(&user)).remove(0).1;
        let ringing = traffic::ringing(&forwarded);
        // Not `io::stderr()`, whose lock both would write to.
        let mut marks = File::options().append(true).open("/dev/stderr").unwrap();
        let stack = std::ptr::from_ref(&number).addr();
        marks.write_all(format!("{STACK}{number} {stack:x}\n").as_bytes()).unwrap();
        Self { number, bench, cseq: 1, ringing, control, marks }
    }

    /// Does one message.
    fn work(&mut self, work: &str, marked: bool) {
        let user = format!("user{}", self.number);
        self.cseq += 1;
        let (source, datagram) = match work {
            "invite" => (traffic::PHONE, traffic::invite(&user)),
            "response" => (traffic::GATEWAY, self.ringing.clone()),
            "not found" => (traffic::PHONE, traffic::invite("nobody")),
            _ => (traffic::GATEWAY, traffic::register(&user, self.cseq)),
        };
        let source: SocketAddr = source.parse().unwrap();
        self.mark(marked, &format!("{} {work}", self.number));
        self.bench.handle(source, &datagram);
        assert_eq!(self.bench.outbox.transmits().len(), 1);
        self.bench.outbox.sent(1);
        if work == CONTROL {
            self.control.fetch_add(1, Ordering::Relaxed);
        }
        self.mark(marked, "");
    }

    /// Begins what is compared, or with an empty name ends it.
    fn mark(&mut self, marked: bool, name: &str) {
        if marked {
            self.marks.write_all(format!("{MARK}{name}\n").as_bytes()).unwrap();
        }
    }
}
