//! The command line.

use std::path::PathBuf;

/// What the command line asks for.
#[derive(Clone, Debug)]
pub(crate) struct Options {
    /// Rounds; the peers take turns within each.
    pub(crate) rounds: usize,
    /// Length of each phase of load.
    pub(crate) seconds: f64,
    /// Users who are registered before any is looked up.
    pub(crate) users: u64,
    /// Where the proxies run.
    pub(crate) proxy_cores: Vec<usize>,
    /// Where the load runs: the sink on the first, senders on the others.
    pub(crate) load_cores: Vec<usize>,
    /// Scenarios to run; all if there are none.
    pub(crate) only: Vec<String>,
    /// Another build of the server, to be compared with this one.
    pub(crate) other: Option<PathBuf>,
    /// Whether instructions are counted, and nothing else is measured.
    pub(crate) counts: bool,
    /// Where the samples are written to.
    pub(crate) json: Option<PathBuf>,
    /// Whether figures are of interest; otherwise it only has to run.
    pub(crate) is_bench: bool,
}

impl Options {
    /// Reads the command line; cargo adds `--bench` to it unless this runs as a test.
    pub(crate) fn read() -> Self {
        let arguments: Vec<String> = std::env::args().skip(1).collect();
        let is_bench = arguments.iter().any(|argument| argument == "--bench");
        let quick = !is_bench || arguments.iter().any(|argument| argument == "--quick");
        let mut options = Self {
            rounds: if quick { 1 } else { 5 },
            seconds: if quick { 0.3 } else { 2.0 },
            users: if quick { 1_000 } else { 100_000 },
            proxy_cores: vec![0],
            load_cores: Vec::new(),
            only: Vec::new(),
            other: None,
            counts: false,
            json: None,
            is_bench,
        };
        let mut arguments = arguments.into_iter();
        while let Some(argument) = arguments.next() {
            let mut value = || arguments.next().unwrap_or_else(|| panic!("{argument} of what?"));
            match argument.as_str() {
                "--rounds" => options.rounds = value().parse().unwrap(),
                "--seconds" => options.seconds = value().parse().unwrap(),
                "--users" => options.users = value().parse().unwrap(),
                "--proxy-cores" => options.proxy_cores = core_list(&value()),
                "--load-cores" => options.load_cores = core_list(&value()),
                "--only" => options.only = value().split(',').map(str::to_owned).collect(),
                "--other" => options.other = Some(value().into()),
                "--json" => options.json = Some(value().into()),
                "--instructions" => options.counts = true,
                "--bench" | "--quick" => {}
                other => panic!("there is no option {other}; benches/peers/README.md tells them"),
            }
        }
        options.load_cores = options.load_cores_or_rest();
        options
    }

    /// Whether a scenario is to be run.
    pub(crate) fn wants(&self, scenario: &str) -> bool {
        self.only.is_empty() || self.only.iter().any(|name| name == scenario)
    }

    /// The cores of the load as given, or those that are left; on a machine without any, all.
    fn load_cores_or_rest(&self) -> Vec<usize> {
        if !self.load_cores.is_empty() {
            return self.load_cores.clone();
        }
        let all: Vec<usize> =
            core_affinity::get_core_ids().unwrap_or_default().iter().map(|core| core.id).collect();
        let rest = all.iter().copied().filter(|core| !self.proxy_cores.contains(core));
        let rest: Vec<usize> = rest.collect();
        if rest.is_empty() { all } else { rest }
    }

    /// So many cores of the proxy, from the first of them on, as `taskset` knows them.
    pub(crate) fn proxy_core_list(&self, first: usize, count: usize) -> String {
        let cores = self.proxy_cores.iter().skip(first).take(count);
        cores.map(usize::to_string).collect::<Vec<_>>().join(",")
    }
}

/// Reads numbers of cores: `0,2`.
fn core_list(text: &str) -> Vec<usize> {
    text.split(',').map(|core| core.parse().unwrap()).collect()
}
