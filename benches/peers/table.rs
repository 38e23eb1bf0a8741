//! What was measured, as a table and as JSON.

use std::path::Path;

use serde_json::{Value, json};

use super::contestant::Shape;
use super::peer::Program;

/// One peer in one round of one scenario.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Sample {
    pub(crate) scenario: &'static str,
    pub(crate) program: Program,
    /// Its processes, and the workers or children of each.
    pub(crate) shape: Shape,
    pub(crate) round: usize,
    /// Messages offered to it, each second.
    pub(crate) offered: f64,
    /// Messages that it carried, each second.
    pub(crate) rate: f64,
    /// The share of the time that it worked, of all its cores (0 to 1).
    pub(crate) busy: f64,
    /// User time of a message (microseconds).
    pub(crate) user: f64,
    /// System time of a message (microseconds).
    pub(crate) system: f64,
    /// p50, p99 and p99.9 from the intended start (microseconds).
    pub(crate) latency: [f64; 3],
    /// What was lost of what was offered (0 to 1): in this phase, in that of the latency.
    pub(crate) loss: [f64; 2],
    /// What it carried of what it had carried just before with a load that waits for it, where
    /// that is asked.
    pub(crate) of_peak: Option<f64>,
    /// Memory (MiB).
    pub(crate) memory: f64,
}

impl Sample {
    /// Processor time of a message (microseconds).
    fn cpu(&self) -> f64 {
        self.user + self.system
    }
}

/// Below this the peer was not at its limit: the load was, or others had its core.
const BUSY: f64 = 0.95;

/// The table of a scenario, with what it is about.
pub(crate) fn print(title: &str, samples: &[Sample]) {
    println!("\n{title}");
    println!(
        "{:10} {:>7} {:>9} {:>9} {:>5}  {:>5} + {:>5} = {:>5}  {:>7} {:>8} {:>8}  {:>7} {:>7} \
         {:>6}  {:>17} {:>17} {:>17} {:>17}",
        "",
        "workers",
        "offered/s",
        "carried/s",
        "busy",
        "user",
        "sys",
        "CPU µs",
        "p50 µs",
        "p99",
        "p99.9",
        "loss %",
        "at lat.",
        "MiB",
        "CPU : forwarder",
        "CPU : kamailio",
        "user : kamailio",
        "rate : kamailio"
    );
    let mut kinds: Vec<(Program, Shape)> = Vec::new();
    for one in samples {
        if !kinds.contains(&(one.program, one.shape)) {
            kinds.push((one.program, one.shape));
        }
    }
    for kind in &kinds {
        let is_own = |one: &&Sample| (one.program, one.shape) == *kind;
        let own: Vec<&Sample> = samples.iter().filter(is_own).collect();
        print_row(kind.0, &own, samples);
    }
    for kind in &kinds {
        print_goodput(*kind, samples);
    }
    let most = samples.iter().map(|one| one.shape.total()).max().unwrap_or(0);
    for count in 2..=most {
        print_scaling(count, samples);
    }
}

/// What a peer carried of its peak in the same round.
fn print_goodput((program, shape): (Program, Shape), samples: &[Sample]) {
    let own = samples.iter().filter(|one| (one.program, one.shape) == (program, shape));
    let mut ratios: Vec<f64> = own.filter_map(|one| one.of_peak).collect();
    ratios.sort_by(f64::total_cmp);
    if !ratios.is_empty() {
        println!("carried : carried at peak of {} = {}", program.name(), spread(ratios));
    }
}

/// What so many workers, and so many servers of one worker each, carry to what one does.
fn print_scaling(count: usize, samples: &[Sample]) {
    let compare = |shape: Shape, other: Shape, what: &str| {
        let own: Vec<&Sample> = samples.iter().filter(|one| one.shape == shape).collect();
        let ratios = ratios(&own, samples, |one| one.shape == other, |one| one.rate);
        if !ratios.is_empty() {
            println!("rate of {what} = {}", spread(ratios));
        }
    };
    let (one, workers, servers) = (Shape::one(1), Shape::one(count), Shape::apart(count));
    compare(workers, one, &format!("{count} workers : one worker"));
    compare(servers, one, &format!("{count} servers of one worker : one of them"));
    compare(workers, servers, &format!("{count} workers : {count} servers of one worker"));
}

/// A row: medians over the rounds.
fn print_row(program: Program, own: &[&Sample], all: &[Sample]) {
    let of = |value: fn(&Sample) -> f64| median(own.iter().map(|one| value(one)).collect());
    let ratio = |to: Program, value: fn(&Sample) -> f64| {
        let ratios = ratios(own, all, |one| one.program == to, value);
        if ratios.is_empty() || to == program { "–".to_owned() } else { spread(ratios) }
    };
    let idle_mark = if of(|one| one.busy) < BUSY { "*" } else { "" };
    println!(
        "{:10} {:>7} {:>9.0} {:>9} {:>5.2}  {:>5.2} + {:>5.2} = {:>5.2}   {:>7.0} {:>8.0} \
         {:>8.0}  {:>7.3} {:>7.3} {:>6.0}  {:>17} {:>17} {:>17} {:>17}",
        program.name(),
        own.first().map_or_else(String::new, |one| workers(one.shape)),
        of(|one| one.offered),
        format!("{:.0}{idle_mark}", of(|one| one.rate)),
        of(|one| one.busy),
        of(|one| one.user),
        of(|one| one.system),
        of(Sample::cpu),
        of(|one| one.latency[0]),
        of(|one| one.latency[1]),
        of(|one| one.latency[2]),
        100.0 * of(|one| one.loss[0]),
        100.0 * of(|one| one.loss[1]),
        of(|one| one.memory),
        ratio(Program::Forwarder, Sample::cpu),
        ratio(Program::Kamailio, Sample::cpu),
        ratio(Program::Kamailio, |one| one.user),
        ratio(Program::Kamailio, |one| one.rate),
    );
}

/// Workers as a column tells them.
fn workers(shape: Shape) -> String {
    match shape.servers {
        1 => shape.workers.to_string(),
        servers => format!("{servers} × {}", shape.workers),
    }
}

/// The median of ratios, with the least and the most of them.
fn spread(ratios: Vec<f64>) -> String {
    let (least, most) = (at(&ratios, 0), at(&ratios, ratios.len() - 1));
    format!("{:.2} ({least:.2}–{most:.2})", median(ratios))
}

/// What a value is to that of another peer in the same round, in rising order.
fn ratios(
    own: &[&Sample],
    all: &[Sample],
    is_other: impl Fn(&Sample) -> bool,
    value: fn(&Sample) -> f64,
) -> Vec<f64> {
    let other = |round| all.iter().find(|one| one.round == round && is_other(one)).map(value);
    let mut ratios: Vec<f64> =
        own.iter().filter_map(|one| Some(value(one) / other(one.round)?)).collect();
    ratios.sort_by(f64::total_cmp);
    ratios
}

/// The value at a place.
fn at(values: &[f64], place: usize) -> f64 {
    values.get(place).copied().unwrap_or(f64::NAN)
}

/// The one in the middle.
fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    let (low, high) = (values.len().saturating_sub(1) / 2, values.len() / 2);
    (at(&values, low) + at(&values, high)) / 2.0
}

/// Writes all samples to a file.
pub(crate) fn write_json(path: &Path, machine: &str, samples: &[Sample]) {
    let samples: Vec<Value> = samples.iter().map(record).collect();
    let report = json!({ "schema": "peers/1", "machine": machine, "samples": samples });
    std::fs::write(path, format!("{report:#}\n")).unwrap();
}

/// A sample as JSON.
fn record(sample: &Sample) -> Value {
    json!({
        "scenario": sample.scenario,
        "program": sample.program.name(),
        "servers": sample.shape.servers,
        "workers": sample.shape.workers,
        "round": sample.round,
        "offered_per_second": sample.offered,
        "carried_per_second": sample.rate,
        "busy": sample.busy,
        "user_us": sample.user,
        "system_us": sample.system,
        "p50_us": sample.latency[0],
        "p99_us": sample.latency[1],
        "p99_9_us": sample.latency[2],
        "loss": sample.loss[0],
        "loss_of_latency_phase": sample.loss[1],
        "of_peak": sample.of_peak,
        "memory_mib": sample.memory,
    })
}
