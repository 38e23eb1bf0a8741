//! The proxy beside a forwarder that reads nothing, beside Kamailio and OpenSIPS: what a message costs and
//! how long it takes. `README.md` tells what is measured, and how.
//!
//! ```text
//! cargo bench --bench peers                        all of it, some minutes
//! cargo bench --bench peers -- --quick             that it runs, seconds
//! cargo bench --bench peers -- --only invite,call  these scenarios only
//! ```

#![expect(clippy::unwrap_used, clippy::panic, reason = "a bench fails by a panic")]
#![expect(clippy::print_stdout, reason = "a bench shows its numbers")]

mod calls;
mod contestant;
mod forwarder;
mod instructions;
mod load;
mod messages;
mod options;
mod peer;
mod scenario;
mod table;
mod usage;

use std::fs;
use std::path::{Path, PathBuf};

use core_affinity::CoreId;
use instructions::Counting;
use load::Load;
use options::Options;
use peer::Program;
use scenario::{Bench, Scenario};

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    if let [flag, address, callee, workers] = arguments.as_slice()
        && flag == "--forward"
    {
        let (address, callee) = (address.parse().unwrap(), callee.parse().unwrap());
        return forwarder::run(address, callee, workers.parse().unwrap());
    }
    compare(&Options::read());
}

/// Runs the scenarios and tells what came out.
fn compare(options: &Options) {
    let folder = Folder::new();
    let cores: Vec<CoreId> = options.load_cores.iter().map(|id| CoreId { id: *id }).collect();
    let machine = machine();
    println!(
        "{machine}; proxy on core {}, load on {:?}; {} round(s) of {} s",
        options.proxy_core_list(0, usize::MAX),
        options.load_cores,
        options.rounds,
        options.seconds
    );
    let viaload = calls::find_viaload(options.is_bench);
    let (viaload, folder) = (viaload.as_deref(), folder.0.as_path());
    if options.counts {
        return Counting { options, viaload, folder }.print();
    }
    let mut samples = Vec::new();
    for scenario in Scenario::ALL {
        if !options.wants(scenario.name()) {
            continue;
        }
        if scenario == Scenario::Call && viaload.is_none() {
            println!("\ncall: left out, viaload is not built");
            continue;
        }
        let mut bench =
            Bench { options, load: Load::new(&cores, scenario.merges()), viaload, folder };
        let results = bench.run(scenario);
        table::print(&scenario.title(options), &results);
        samples.extend(results);
    }
    for absent in [Program::Kamailio, Program::OpenSips] {
        if absent.is_installed(options) {
            continue;
        }
        println!("\n{}: left out, it is not installed", absent.name());
    }
    println!(
        "\n* the peer did not work all the time: the load was the limit, or others had its core"
    );
    if let Some(path) = &options.json {
        table::write_json(path, &machine, &samples);
    }
}

/// Processor, cores, kernel, load.
fn machine() -> String {
    let read = |path: &str| fs::read_to_string(path).unwrap_or_default();
    let info = read("/proc/cpuinfo");
    let model = info.lines().find_map(|line| line.strip_prefix("model name")).unwrap_or("");
    let model = model.trim_start_matches([' ', '\t', ':']);
    let kernel = read("/proc/sys/kernel/osrelease");
    let load = read("/proc/loadavg");
    let cores = core_affinity::get_core_ids().unwrap_or_default().len();
    let load = load.split(' ').next().unwrap_or("?");
    format!("{model}, {cores} cores, Linux {}, load {load} before", kernel.trim())
}

/// A directory that is removed in the end.
struct Folder(PathBuf);

impl Folder {
    /// A fresh one.
    fn new() -> Self {
        let name = format!("viaduct-peers-{}", std::process::id());
        let path = std::env::temp_dir().join(name);
        fs::create_dir_all(&path).unwrap();
        Self(path)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            // Best effort: what is left in the temporary folder harms nobody.
            let _ = fs::remove_dir_all(Path::new(&self.0));
        }
    }
}
