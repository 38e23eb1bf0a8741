//! What the stages of one run share.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use core_affinity::CoreId;

use super::inputs::Inputs;
use super::interrupt::Interrupts;
use super::layout::{Layout, Wanted};
use super::load::LoadPlan;
use super::stage::{Director, LEAD, Measured, Stage};
use super::{CrewOptions, Options, RunError, target};
use crate::agent::Setup;
use crate::clock::Clock;
use crate::measure::{Count, Failure, Tally};
use crate::scenario::{Cast, builtin};
use crate::view::View;
use crate::worker::{Job, Socket};

/// What the stages of one run share.
pub(super) struct Session<'o> {
    /// What is asked for.
    pub(super) options: &'o Options,
    /// What was read.
    pub(super) inputs: &'o Inputs,
    /// The target; none if calls go to the own user agents directly.
    pub(super) target: Option<SocketAddr>,
    /// Which sockets each worker has.
    pub(super) layout: Layout,
    /// How many threads, and where they stay.
    pub(super) crew: CrewPlan,
    local: IpAddr,
    clock: Clock,
    interrupts: Interrupts,
    /// The sockets while no stage has them.
    sockets: Vec<Vec<Socket>>,
    /// Stages so far: each has call numbers of its own.
    stages: u32,
    /// How long it took to register all users; none if they are not registered.
    registered: Option<Duration>,
}

/// How many threads, and where they stay.
#[derive(Clone, Debug)]
pub(super) struct CrewPlan {
    /// How many.
    pub(super) threads: usize,
    cores: Vec<CoreId>,
}

impl CrewPlan {
    /// As asked for. Servers begin with the first core as a rule: unless told otherwise workers
    /// begin with the last one, and those that only answer beside as many that call.
    ///
    /// # Errors
    ///
    /// If a core is not there.
    pub(super) fn new(options: &CrewOptions, only_answer: bool) -> Result<Self, RunError> {
        let usable = core_affinity::get_core_ids().unwrap_or_default();
        let mut cores: Vec<CoreId> = usable.iter().rev().copied().collect();
        if let Some(asked) = &options.cores {
            if let Some(missing) = asked.iter().find(|id| !usable.contains(&CoreId { id: **id })) {
                let usable: Vec<String> = usable.iter().map(|core| core.id.to_string()).collect();
                return Err(RunError::Options(format!(
                    "--cores: core {missing} is not usable here; usable are {}",
                    usable.join(",")
                )));
            }
            cores = asked.iter().map(|id| CoreId { id: *id }).collect();
        }
        let asked = options.cores.as_ref().map(Vec::len);
        // Half, so that a server on this machine has the rest.
        let threads = options.threads.or(asked).unwrap_or_else(|| (usable.len() / 2).max(1));
        if !options.pin {
            cores.clear();
        } else if asked.is_none() && only_answer {
            let clear_of = threads.checked_rem(cores.len()).unwrap_or(0);
            cores.rotate_left(clear_of);
        }
        Ok(Self { threads, cores })
    }

    /// The core that a worker stays on.
    #[must_use]
    pub(super) fn core(&self, worker: usize) -> Option<CoreId> {
        let position = worker.checked_rem(self.cores.len())?;
        self.cores.get(position).copied()
    }
}

/// Who runs in a stage.
struct Part<'p> {
    cast: &'p Arc<Cast>,
    layout: &'p Layout,
    load: &'p LoadPlan,
    /// Where callees are reached.
    callee_addresses: &'p Arc<[SocketAddr]>,
    /// Whole calls to keep of each kind.
    traces: usize,
    /// How long the last calls may take.
    drain: Duration,
}

/// Calls that register users in progress at a time for each worker.
const REGISTERING: usize = 50;

impl<'o> Session<'o> {
    /// Looks at the target and binds all sockets.
    ///
    /// # Errors
    ///
    /// If the target may not be tested or is not there, or the system refuses sockets.
    pub(super) fn open(options: &'o Options, inputs: &'o Inputs) -> Result<Self, RunError> {
        let crew = CrewPlan::new(&options.crew, false)?;
        let (target, local) = if options.self_test {
            (None, options.local.unwrap_or(IpAddr::V4(Ipv4Addr::LOCALHOST)))
        } else {
            let address = options.target.resolve(options.allowed.as_deref())?;
            (Some(address), target::probe(address, options.local)?)
        };
        let interrupts = Interrupts::listen()?;
        let (layout, sockets) = Layout::bind(Wanted {
            workers: crew.threads,
            local,
            ports: options.ports,
            single_source: options.single_source,
            answer: options.answer,
            listen: None,
        })?;
        let clock = Clock::start();
        Ok(Self {
            options,
            inputs,
            target,
            layout,
            crew,
            local,
            clock,
            interrupts,
            sockets,
            stages: 0,
            registered: None,
        })
    }

    /// Registers all users once.
    ///
    /// # Errors
    ///
    /// If not all were accepted.
    pub(super) fn register(&mut self, view: &mut dyn View) -> Result<(), RunError> {
        let users = self.inputs.users.names.len() as u64;
        let Some(cast) = builtin::cast("refresh").filter(|_| users > 0) else { return Ok(()) };
        let began = self.clock.now();
        let limit = Duration::from_secs_f64(REGISTRATION_SECONDS);
        let measured = self.all_users("registering users", cast, (limit, DRAIN), view)?;
        self.registered = Some(self.clock.now().since(began));
        if measured.interrupted {
            self.remove(view);
            return Err(RunError::Interrupted);
        }
        let accepted = measured.total.tally.get(Count::Completed);
        if accepted < users {
            self.remove(view);
            return Err(RunError::Registration(format!(
                "{} of {users} users were registered at {}{}",
                accepted,
                self.target_words(),
                reasons(&measured.total.tally)
            )));
        }
        Ok(())
    }

    /// Removes what was registered: a server that keeps it would call sockets of this run in the
    /// next one. It may fail, with a note: what was measured is not touched by that.
    pub(super) fn remove(&mut self, view: &mut dyn View) {
        let Some(took) = self.registered.take() else { return };
        let Some(cast) = builtin::removal() else { return };
        let limits = (took * 2 + REMOVAL_TIME, REMOVAL_TIME);
        let users = self.inputs.users.names.len() as u64;
        let removed = match self.all_users("removing registrations", cast, limits, view) {
            Ok(measured) => measured.total.tally.get(Count::Completed),
            Err(_) => 0,
        };
        if removed < users {
            view.note(&format!(
                "{} of {users} registrations could not be removed: they stay until they expire \
                 (10 minutes)",
                users - removed
            ));
        }
    }

    /// Has each user make one call of those in a cast. The load may last so long, and the last
    /// calls so long after it.
    fn all_users(
        &mut self,
        name: &str,
        cast: Cast,
        (limit, drain): (Duration, Duration),
        view: &mut dyn View,
    ) -> Result<Measured, RunError> {
        let (layout, sockets) = Layout::bind(Wanted {
            workers: self.crew.threads,
            local: self.local,
            ports: 1,
            single_source: false,
            answer: false,
            listen: None,
        })?;
        let load = LoadPlan::Closed {
            concurrency: REGISTERING * self.crew.threads,
            seconds: limit.as_secs_f64(),
            limit: Some(self.inputs.users.names.len() as u64),
        };
        let addresses = self.layout.callee_addresses.clone();
        let part = Part {
            cast: &Arc::new(cast),
            layout: &layout,
            load: &load,
            callee_addresses: &addresses,
            traces: 0,
            drain,
        };
        self.stage(name, &part, sockets, view)
    }

    /// Runs the scenario.
    ///
    /// # Errors
    ///
    /// If the system refuses threads, or a worker fails.
    pub(super) fn measure(
        &mut self,
        load: &LoadPlan,
        view: &mut dyn View,
    ) -> Result<Measured, RunError> {
        let layout = self.layout.clone();
        let part = Part {
            cast: &self.inputs.cast,
            layout: &layout,
            load,
            callee_addresses: &layout.callee_addresses,
            traces: self.options.traces,
            drain: DRAIN + self.options.hold,
        };
        let sockets = std::mem::take(&mut self.sockets);
        let mut measured = self.stage("running", &part, sockets, view)?;
        self.sockets = std::mem::take(&mut measured.sockets);
        Ok(measured)
    }

    /// The target in words.
    #[must_use]
    pub(super) fn target_words(&self) -> String {
        self.target.map_or_else(|| "own user agents".to_owned(), |target| target.to_string())
    }

    /// Runs a stage.
    fn stage(
        &mut self,
        name: &str,
        part: &Part<'_>,
        sockets: Vec<Vec<Socket>>,
        view: &mut dyn View,
    ) -> Result<Measured, RunError> {
        let start = self.clock.now() + LEAD;
        let mut jobs = Vec::new();
        for (worker, sockets) in sockets.into_iter().enumerate() {
            let seed = worker_seed(self.options.seed, worker);
            let calling = part.layout.calling(worker);
            let load = calling.map(|calling| part.load.part(calling, start, self.options.seed));
            let setup = self.setup(part, worker, seed);
            jobs.push(Job { setup, load, sockets, core: self.crew.core(worker) });
        }
        self.stages += 1;
        let stage = Stage {
            name,
            shape: &part.cast.shape,
            start,
            end: Some(start + Duration::from_secs_f64(part.load.seconds())),
            drain: part.drain,
        };
        let mut director = Director { clock: self.clock, view, interrupts: &self.interrupts };
        director.run(&stage, jobs)
    }

    /// What a worker's agent needs to know.
    fn setup(&self, part: &Part<'_>, worker: usize, seed: u64) -> Setup {
        let options = self.options;
        let next = (worker + 1).checked_rem(part.callee_addresses.len()).unwrap_or(0);
        Setup {
            cast: part.cast.clone(),
            target: self.target.or_else(|| part.callee_addresses.get(next).copied()),
            sockets: Vec::new(),
            caller_sockets: part.layout.caller_sockets(worker),
            callee_socket: part.layout.callee_socket(worker),
            callee_addresses: part.callee_addresses.clone(),
            users: self.inputs.users.clone(),
            service: options.users.service.clone(),
            media_ip: self.local,
            hold: options.hold,
            injected: self.inputs.injected.clone(),
            worker: (worker, self.crew.threads),
            seed,
            process: process_number(self.stages),
            wall_start: self.clock.time_of_start(),
            traces: part.traces,
        }
    }
}

/// A second more than 64 × T1, after which a request without an answer is given up (RFC 3261
/// §17.1.1.2, Timer B): calls that fail do so by themselves.
const DRAIN: Duration = Duration::from_secs(33);

/// The most that registering all users may take.
const REGISTRATION_SECONDS: f64 = 3_600.0;

/// What removing them may take beyond twice the time of registering: a server that died in the run
/// is not waited for.
const REMOVAL_TIME: Duration = Duration::from_secs(2);

/// A number for Call-IDs that other processes, and other stages of this one, do not have.
pub(super) fn process_number(stage: u32) -> u32 {
    const STAGES: u32 = 128;
    std::process::id().wrapping_mul(STAGES).wrapping_add(stage % STAGES)
}

/// A worker's own seed.
pub(super) const fn worker_seed(seed: u64, worker: usize) -> u64 {
    const ODD: u64 = 0x9e37_79b9_7f4a_7c15;
    seed.wrapping_add(1).wrapping_mul(ODD).wrapping_add(worker as u64)
}

/// Why calls failed, in brackets: by code, and by reason.
fn reasons(tally: &Tally) -> String {
    let codes = tally.codes.iter().filter(|(code, _)| *code >= 300);
    let codes = codes.map(|(code, count)| format!("{code}: {count}"));
    let failures = Failure::ALL.into_iter().filter(|why| *why != Failure::UnexpectedStatus);
    let failures = failures.map(|why| (why.name(), tally.failures(why)));
    let failures = failures.filter(|(_, count)| *count > 0);
    let failures = failures.map(|(name, count)| format!("{name}: {count}"));
    let all: Vec<String> = codes.chain(failures).collect();
    if all.is_empty() { String::new() } else { format!(" ({})", all.join(", ")) }
}
