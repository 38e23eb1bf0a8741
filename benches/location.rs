//! The index of the location table: candidates against each other, and the table as it is.
//!
//! ```text
//! cargo bench --bench location                    all, with a million addresses-of-record
//! cargo bench --bench location -- 10000000        with ten million
//! cargo bench --bench location -- 1000000 papaya  one of them
//! ```
//!
//! Each candidate runs in a process of its own, so that its memory can be told. Times are
//! nanoseconds per operation as a thread sees them, the best of three runs; keys are random, so
//! that nothing that matters is in a cache. What came out is in `README.md`.

#![expect(clippy::unwrap_used, reason = "a bench fails by a panic")]
#![expect(clippy::print_stdout, reason = "a bench shows its numbers")]

#[path = "support/location_tables.rs"]
mod location_tables;

use std::hint::black_box;
use std::process::Command;
use std::sync::Barrier;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};

use location_tables::{CANDIDATES, Table};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Operations of one thread in one run; few where it only has to run.
const OPERATIONS: u32 = if cfg!(debug_assertions) { 1_000 } else { 1_000_000 };
/// Runs of which the best counts.
const RUNS: usize = 3;

fn main() {
    let mut arguments = std::env::args().skip(1).filter(|argument| !argument.starts_with("--"));
    // As a test it only has to run.
    let is_bench = std::env::args().any(|argument| argument == "--bench");
    let usual = if is_bench { 1_000_000 } else { 1_000 };
    let count: u64 = arguments.next().map_or(usual, |text| text.parse().unwrap());
    if let Some(name) = arguments.next() {
        let (name, make) = CANDIDATES.iter().find(|(given, _)| *given == name).unwrap();
        return measure(name, *make, count);
    }
    println!("{count} addresses-of-record; ns per operation");
    println!(
        "{:20} {:>6} {:>7} | {:>9} | {:>13} {:>16} | {:>13} {:>16}",
        "", "bytes", "insert", "lookup", "refresh", "with 2 readers", "replace", "with 2 readers"
    );
    for (name, _) in CANDIDATES {
        let mut child = Command::new(std::env::current_exe().unwrap());
        child.args(is_bench.then_some("--bench"));
        assert!(child.arg(count.to_string()).arg(name).status().unwrap().success());
    }
}

/// Measures one candidate.
fn measure(name: &str, make: fn() -> Box<dyn Table>, count: u64) {
    let before = resident_bytes();
    let table = &*make();
    let mut key = Key::default();
    let filling = timed(|| (0..count).for_each(|number| table.replace(key.of(number), 1)));
    let bytes = resident_bytes().saturating_sub(before) / count;
    (0..count).for_each(|number| table.refresh(key.of(number), 1));
    let lookup = |table: &dyn Table, key: &[u8], _: u32| {
        black_box(table.lookup(key));
    };
    let refresh = |table: &dyn Table, key: &[u8], round: u32| table.refresh(key, round);
    let replace = |table: &dyn Table, key: &[u8], round: u32| table.replace(key, round);
    let best = |writers, readers, operation: Operation<'_>| {
        let runs = (0..RUNS).map(|_| run(table, count, (writers, readers), operation));
        runs.fold((u64::MAX, u64::MAX), |a, b| (a.0.min(b.0), a.1.min(b.1)))
    };
    let alone = |operation| (best(1, 0, operation).0, best(4, 0, operation).0);
    let (look_1, look_4) = alone(&lookup);
    let (refresh_1, refresh_4) = alone(&refresh);
    let (refresh_2, look_refresh) = best(2, 2, &refresh);
    let (replace_1, replace_4) = alone(&replace);
    let (replace_2, look_replace) = best(2, 2, &replace);
    println!(
        "{name:20} {bytes:6} {:7} | {look_1:4} {look_4:4} | 1t {refresh_1:3} 4t {refresh_4:4} \
         {refresh_2:6} (r {look_refresh:4}) | 1t {replace_1:4} 4t {replace_4:4} {replace_2:6} \
         (r {look_replace:4})",
        filling / count
    );
}

/// What is done again and again. The number is higher each time, as a CSeq is.
type Operation<'a> = &'a (dyn Fn(&dyn Table, &[u8], u32) + Sync);

/// Runs `operation` in some threads and lookups in others, all with random keys: nanoseconds of
/// one operation and of one lookup.
fn run(
    table: &dyn Table,
    count: u64,
    (writers, readers): (usize, usize),
    operation: Operation<'_>,
) -> (u64, u64) {
    static RUN: AtomicU32 = AtomicU32::new(0);
    let first = RUN.fetch_add(1, Ordering::Relaxed) * OPERATIONS + 2;
    let start = Barrier::new(writers + readers);
    let done = AtomicBool::new(false);
    let slowest_lookup = AtomicU64::new(0);
    let slowest = AtomicU64::new(0);
    let write = |writer: usize| {
        let (mut key, mut random) = (Key::default(), Random(1 + writer as u64));
        start.wait();
        let spent = timed(|| {
            for round in 0..OPERATIONS {
                operation(table, key.of(random.next() % count), first + round);
            }
        });
        slowest.fetch_max(spent / u64::from(OPERATIONS), Ordering::Relaxed);
    };
    let write = &write;
    std::thread::scope(|scope| {
        for reader in 0..readers {
            let (start, done, slowest_lookup) = (&start, &done, &slowest_lookup);
            scope.spawn(move || {
                let (mut key, mut random) = (Key::default(), Random(1_000 + reader as u64));
                let mut lookups = 0;
                start.wait();
                let spent = timed(|| {
                    while !done.load(Ordering::Relaxed) {
                        black_box(table.lookup(key.of(random.next() % count)));
                        lookups += 1;
                    }
                });
                slowest_lookup.fetch_max(spent / lookups.max(1), Ordering::Relaxed);
            });
        }
        #[expect(clippy::needless_collect, reason = "all run before the first is waited for")]
        let threads: Vec<_> = (0..writers).map(|at| scope.spawn(move || write(at))).collect();
        threads.into_iter().for_each(|thread| thread.join().unwrap());
        done.store(true, Ordering::Relaxed);
    });
    (slowest.into_inner(), slowest_lookup.into_inner())
}

/// Nanoseconds that `work` takes.
#[expect(clippy::disallowed_methods, reason = "a bench measures time")]
fn timed(work: impl FnOnce()) -> u64 {
    let start = std::time::Instant::now();
    work();
    u64::try_from(start.elapsed().as_nanos()).unwrap_or(u64::MAX)
}

/// Memory of this process that is in use.
fn resident_bytes() -> u64 {
    let statm = std::fs::read_to_string("/proc/self/statm").unwrap();
    statm.split(' ').nth(1).unwrap().parse::<u64>().unwrap() * 4_096
}

/// Random numbers (xorshift).
struct Random(u64);

impl Random {
    /// The next one.
    const fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }
}

/// Addresses-of-record: `user-00000000`.
struct Key([u8; 13]);

impl Default for Key {
    fn default() -> Self {
        Self(*b"user-00000000")
    }
}

impl Key {
    /// The key of that number.
    fn of(&mut self, mut number: u64) -> &[u8] {
        for digit in self.0[5..].iter_mut().rev() {
            *digit = b'0' + (number % 10) as u8;
            number /= 10;
        }
        &self.0
    }
}
