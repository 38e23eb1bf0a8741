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
mod traffic;

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::io::{self, BufRead, BufReader, Write};
use std::net::SocketAddr;
use std::ops::RangeInclusive;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
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
/// What the workers do, one message between two marks.
const WORK: [&str; 4] = ["invite", "response", "refresh", "not found"];
/// Work at which both add to one counter: that must be seen.
const CONTROL: &str = "a shared counter";

#[test]
fn workers_at_work_share_no_line_that_one_of_them_writes() {
    if std::env::var_os(WATCHED).is_some() {
        return two_workers();
    }
    let Some(touched) = watch() else {
        let _ = writeln!(io::stderr(), "no valgrind: not tested");
        return;
    };
    for work in WORK {
        let shared = shared_lines(&touched, work);
        assert!(shared.is_empty(), "{work}: {shared:#x?}");
    }
    assert!(!shared_lines(&touched, CONTROL).is_empty(), "what is shared is not seen");
}

/// Addresses of the cache lines that one worker writes to for most messages of that kind, and
/// that the other one touches for most. (For most: valgrind lets a thread go on a little while
/// another one is at work already.)
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
    let mut all: BTreeMap<String, Lines> = BTreeMap::new();
    let mut at_work = None;
    let (mut written, mut touched) = (BTreeSet::new(), BTreeSet::new());
    let mut text = String::new();
    while told.read_line(&mut text).unwrap() > 0 {
        let line = text.trim_end();
        if let Some(mark) = line.strip_prefix(MARK) {
            if let Some(work) = at_work.take() {
                let Lines { written: all_written, touched: all_touched } =
                    all.entry(work).or_default();
                for (once, all) in [(&mut written, all_written), (&mut touched, all_touched)] {
                    for line in std::mem::take(once) {
                        *all.entry(line).or_default() += 1;
                    }
                }
            }
            at_work = Some(mark.to_owned()).filter(|mark| !mark.is_empty());
        } else if at_work.is_some()
            && let Some((stores, lines)) = access(line)
        {
            touched.extend(lines.clone());
            if stores {
                written.extend(lines);
            }
        }
        text.clear();
    }
    all
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
    let control = Arc::new(AtomicU32::new(0));
    let start = |number| Worker::start(number, shared.clone(), Arc::clone(&control));
    let [first, second] = [0, 1].map(start);
    for work in WORK.into_iter().chain([CONTROL]) {
        // In turn, so that what one leaves behind is there when the other one works.
        for _ in 0..WARM {
            first.work(work, false);
            second.work(work, false);
        }
        for _ in 0..MEASURED {
            first.work(work, true);
            second.work(work, true);
        }
    }
}

/// A worker that does one message at a time when asked.
struct Worker {
    orders: Sender<(&'static str, bool)>,
    done: Receiver<()>,
}

impl Worker {
    /// A worker with a user of its own, on its own thread.
    fn start(number: u32, shared: Shared, control: Arc<AtomicU32>) -> Self {
        let (orders, ordered) = channel();
        let (report, done) = channel();
        thread::spawn(move || {
            let mut desk = Desk::new(number, &shared, control);
            for (work, marked) in ordered {
                desk.work(work, marked);
                report.send(()).unwrap();
            }
        });
        Self { orders, done }
    }

    /// Has it do one message, between marks if so wanted, and waits for that.
    fn work(&self, work: &'static str, marked: bool) {
        self.orders.send((work, marked)).unwrap();
        self.done.recv().unwrap();
    }
}

/// A worker's core, and what it needs to be given work.
struct Desk {
    number: u32,
    bench: CoreBench,
    cseq: u32,
    ringing: Vec<u8>,
    control: Arc<AtomicU32>,
    marks: File,
}

impl Desk {
    /// A desk with its user registered.
    fn new(number: u32, shared: &Shared, control: Arc<AtomicU32>) -> Self {
        let mut bench = CoreBench::beside(shared);
        let user = format!("user{number}");
        assert_eq!(bench.send(traffic::GATEWAY, traffic::register(&user, 1)).len(), 1);
        let forwarded = bench.send(traffic::PHONE, traffic::invite(&user)).remove(0).1;
        let ringing = traffic::ringing(&forwarded);
        // Not `io::stderr()`, whose lock both would write to.
        let marks = File::options().append(true).open("/dev/stderr").unwrap();
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
