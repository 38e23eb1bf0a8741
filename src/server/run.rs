//! `viaduct run`: from the configuration to the last datagram.

use std::any::Any;
use std::env;
use std::io;
use std::path::PathBuf;
use std::process;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use arc_swap::ArcSwap;
use crossbeam_channel::{Receiver, Sender, after, select, unbounded};
use tracing::level_filters::LevelFilter;

use super::clock::Clock;
use super::control::{Control, Inlets, Office, ReloadOrder};
use super::load::{finish, parse};
use super::plan::{Plan, cores_to_pin};
use super::reload::{Fixed, FixedParameters, ReloadError, Reloaded, Reloader};
use super::secret::{branch_secret, random_bytes};
use super::sockets::{Sockets, make_room};
use super::tls::{TlsSource, TlsStore, expiry_warnings};
use super::{ServerError, log};
use crate::admin::{Facts, Reload};
use crate::connections::{Directory, Passed};
use crate::helper::{CommandRunner, Resolver, ResolverParts};
use crate::jobs::{Address, JobQueue, Mailbox, Order};
use crate::location::{LocationTables, RegistrarConfig, UsrlocConfig};
use crate::metrics::WorkerCounters;
use crate::modules::SharedVariables;
use crate::names::NameTable;
use crate::protocol::Endpoint;
use crate::proxy::{CoreParts, Listener, ProxyCore};
use crate::script::{Program, Settings};
use crate::sys;
use crate::time::Now;
use crate::transport::StreamParts;
use crate::transport::tls::TlsContexts;
use crate::worker::{self, MakeCore, PanicFiles, Programs, WorkerHandle, WorkerParts};

/// What the command line says.
#[derive(Clone, Debug)]
pub struct Options {
    /// The script; none: the built-in one.
    pub config: Option<PathBuf>,
    /// Addresses to listen on; none: those of the script.
    pub listen: Vec<Endpoint>,
    /// The number of workers; none: as the script says.
    pub workers: Option<usize>,
    /// Whether each worker stays on a core of its own.
    pub pin: bool,
    /// The server's own log lines that are written.
    pub log_level: LevelFilter,
    /// Path of the socket for commands; none: as the script says.
    pub ctl: Option<PathBuf>,
}

/// Runs the server until it is told to stop.
///
/// # Errors
///
/// When it cannot start, and when a worker fails.
pub fn run(options: &Options) -> Result<(), ServerError> {
    sys::block_signals().map_err(ServerError::system("cannot block signals"))?;
    log::start(options.log_level);
    let config = options.config.as_deref();
    let parsed = parse(config)?;
    let tls = TlsSource::of(config, &options.listen, &parsed);
    let parameters = parsed.as_ref().map(|parsed| FixedParameters::of(&parsed.ast));
    let parameters = parameters.unwrap_or_default();
    let mut loaded = finish(parsed);
    let contexts = tls.clone().read(&mut loaded);
    log::tell(&log::show(&loaded.diagnostics, &loaded.map, options.log_level));
    let program = Arc::new(loaded.program.ok_or(ServerError::Script)?);
    let tls = TlsStore::new(tls, loaded.map, contexts);
    let fixed = Fixed::new(options, program.settings(), parameters)?;
    let sockets = Sockets::bind(fixed.plan())?;
    make_room(fixed.plan(), &program.settings().connections);
    let inlets = Inlets::open(options, &program)?;
    let endpoints = sockets.endpoints();
    let (report, events) = unbounded();
    let clock = Clock::start();
    let orders = Mailbox::new();
    let ordering = orders.address();
    let commands = CommandRunner::start(orders, move || clock.now().monotonic_ms)
        .map_err(ServerError::system("cannot start the thread for commands"))?;
    let office = office(&program, sockets.mailboxes(), tls.contexts(), clock.now());
    let connections = Arc::clone(&office.connections);
    let (names, resolver) = start_resolver(program.settings(), &endpoints, clock)?;
    let parts = (sockets, ordering, names, clock);
    let programs = Programs::new(Arc::clone(&program));
    let started = (&office, &report);
    let workers = start_workers(options, fixed.plan(), (&program, &programs), parts, started)?;
    drop(program);
    let order = report.clone();
    // The main thread may be gone already, and the process with it.
    let order = move |reload| drop(order.send(Event::ReloadFor(reload)));
    let control = Control::start(inlets, office, move || clock.now(), order)
        .map_err(ServerError::system("cannot start the thread for the administrator"))?;
    warn_of_expiry(&tls, clock.now());
    let reloader = Reloader::new(options.clone(), fixed, programs, (resolver, connections, tls));
    let wants_reload = forward_signals(report.clone())?;
    log::tell(&ready_line(&endpoints, workers.len()));
    let reason = serve(&events, &wants_reload, (&reloader, &workers), clock);
    let end_control = move || control.into_iter().for_each(Control::stop);
    let helper_counts = [
        stop_helper(&report, "control", end_control),
        stop_helper(&report, "commands", move || commands.stop()),
    ];
    stop(workers, helper_counts.iter().sum(), &events);
    reason
}

/// Something that the main thread waits for.
enum Event {
    /// The script is to be read again.
    Reload,
    /// The script is to be read again for somebody who wants to know what comes of it.
    ReloadFor(ReloadOrder),
    /// The server is to stop.
    Stop,
    /// A worker has ended.
    WorkerEnded(io::Result<()>),
    /// A thread that helps the workers has been stopped.
    HelperEnded,
}

/// Time that all threads have to end, the workers after they have sent what they hold.
const STOP_TIME_MAX: Duration = Duration::from_secs(1);

/// Starts the workers, each with one socket of each group.
fn start_workers(
    options: &Options,
    plan: &Plan,
    (program, programs): (&Program, &Programs<Program>),
    (sockets, orders, names, clock): (Sockets, Address<Order>, Arc<NameTable>, Clock),
    (office, report): (&Office, &Sender<Event>),
) -> Result<Vec<WorkerHandle>, ServerError> {
    let endpoints = sockets.endpoints();
    let listeners: Arc<[Listener]> = endpoints
        .iter()
        .zip(&plan.listen)
        .map(|(endpoint, listen)| Listener {
            transport: endpoint.transport,
            address: endpoint.address,
            advertise: listen.advertise.clone(),
        })
        .collect();
    let template = Template {
        secret: branch_secret(program.settings(), &listeners)?,
        listeners,
        services: Arc::new([
            Arc::clone(&office.tables) as _,
            Arc::clone(&office.connections) as _,
            Arc::new(SharedVariables::default()),
            Arc::new(super::clock::ZONES),
        ]),
        names,
    };
    let cores = cores_to_pin(options.pin);
    let panic_files = Arc::new(PanicFiles::new(PathBuf::new()));
    let mut workers = Vec::new();
    let each = sockets.of_workers().into_iter().zip(&office.counters);
    for (index, (sockets, counters)) in each.enumerate() {
        let completions = Mailbox::new();
        let jobs = JobQueue::new(orders.clone(), completions.address());
        let parts = WorkerParts {
            index,
            pin_to: cores.get(index % cores.len().max(1)).copied(),
            listeners: sockets.udp,
            streams: (!sockets.streams.is_empty()).then(|| StreamParts {
                worker: index,
                listeners: sockets.streams,
                directory: Arc::clone(&office.connections),
                mailbox: sockets.mailbox,
                tls: Arc::clone(&office.tls),
                counters: counters.clone(),
            }),
            programs: programs.clone(),
            make_core: core_maker(template.clone(), jobs, index, counters.clone())?,
            clock: Box::new(move || clock.now()),
            counters: counters.clone(),
            completions,
            panic_files: Arc::clone(&panic_files),
        };
        let report = report.clone();
        // The main thread may be gone already, and the process with it.
        let ended = move |result| drop(report.send(Event::WorkerEnded(result)));
        let worker = worker::spawn(parts, ended);
        workers.push(worker.map_err(ServerError::system("cannot start a worker"))?);
    }
    Ok(workers)
}

/// What the administrator's commands look at: empty tables, no connections, counters for the
/// workers with these mailboxes and one more.
fn office(
    program: &Program,
    mailboxes: Vec<Address<Passed>>,
    tls: Arc<ArcSwap<TlsContexts>>,
    started: Now,
) -> Office {
    let directory = env::current_dir().unwrap_or_default();
    let facts = Facts {
        started,
        process: process::id(),
        arguments: env::args_os().map(|word| word.to_string_lossy().into_owned()).collect(),
        directory: directory.to_string_lossy().into_owned(),
        registrar: program.config::<RegistrarConfig>().cloned().unwrap_or_default(),
        usrloc: program.config::<UsrlocConfig>().copied().unwrap_or_default(),
        ..Facts::default()
    };
    let tables = Arc::new(LocationTables::new());
    Office {
        facts,
        tables,
        tls,
        counters: (0..=mailboxes.len()).map(|_| WorkerCounters::default()).collect(),
        connections: Arc::new(Directory::new(program.settings().connections.clone(), mailboxes)),
    }
}

/// Starts the thread that asks name servers.
fn start_resolver(
    settings: &Settings,
    endpoints: &[Endpoint],
    clock: Clock,
) -> Result<(Arc<NameTable>, Resolver), ServerError> {
    let (names, questions) = NameTable::new();
    let names = Arc::new(names);
    let parts = ResolverParts {
        names: Arc::clone(&names),
        questions,
        settings: settings.names.clone(),
        listeners: endpoints.iter().map(|endpoint| endpoint.address.ip()).collect(),
        secret: random_bytes()?,
    };
    let resolver = Resolver::start(parts, move || clock.now().monotonic_ms)
        .map_err(ServerError::system("cannot start the thread for names"))?;
    Ok((names, resolver))
}

/// What the cores of all workers have in common.
#[derive(Clone)]
struct Template {
    listeners: Arc<[Listener]>,
    services: Arc<[Arc<dyn Any + Send + Sync>]>,
    names: Arc<NameTable>,
    secret: [u8; 16],
}

/// Makes the cores of worker `index`. Each goes on with other random numbers than the one before
/// it.
fn core_maker(
    template: Template,
    jobs: JobQueue,
    index: usize,
    counters: WorkerCounters,
) -> Result<MakeCore<ProxyCore>, ServerError> {
    let mut seed = u64::from_ne_bytes(random_bytes()?);
    Ok(Box::new(move |program| {
        seed = seed.wrapping_add(SEED_STEP);
        let Template { listeners, services, names, secret } = template.clone();
        ProxyCore::new(CoreParts {
            log: log::script_log(program.settings()),
            program: Arc::clone(program),
            listeners,
            services,
            names,
            jobs: jobs.clone(),
            secret,
            seed,
            process: process::id(),
            sweeps: index == 0,
            counters: counters.clone(),
        })
    }))
}

/// An odd number with its bits well mixed, so that neighbouring seeds have little in common.
const SEED_STEP: u64 = 0x9e37_79b9_7f4a_7c15;

/// Starts the thread that turns signals into events. What it gives is true while a reload is
/// wanted: however often it is asked for, one event waits.
fn forward_signals(report: Sender<Event>) -> Result<Arc<AtomicBool>, ServerError> {
    let wants_reload = Arc::new(AtomicBool::new(false));
    let wanted = Arc::clone(&wants_reload);
    let forward = move || {
        while let Ok(signal) = sys::wait_for_signal() {
            let event = match signal {
                sys::Signal::Reload if wanted.swap(true, Ordering::AcqRel) => continue,
                sys::Signal::Reload => Event::Reload,
                sys::Signal::Stop => Event::Stop,
            };
            if report.send(event).is_err() {
                return;
            }
        }
    };
    let thread = thread::Builder::new().name("signals".to_owned()).spawn(forward);
    thread.map_err(ServerError::system("cannot start a thread for signals"))?;
    Ok(wants_reload)
}

/// `ready: udp:127.0.0.1:5060, tcp:127.0.0.1:5060, 4 workers`, when it is so.
fn ready_line(endpoints: &[Endpoint], worker_count: usize) -> String {
    let mut line = String::from("ready: ");
    for endpoint in endpoints {
        line.push_str(&format!("{endpoint}, "));
    }
    let plural = if worker_count == 1 { "" } else { "s" };
    line.push_str(&format!("{worker_count} worker{plural}\n"));
    line
}

/// Reloads as often as it is asked for, until there is a reason to stop; it is an error if a
/// worker ended by itself.
fn serve(
    events: &Receiver<Event>,
    wants_reload: &AtomicBool,
    (reloader, workers): (&Reloader, &[WorkerHandle]),
    clock: Clock,
) -> Result<(), ServerError> {
    loop {
        match events.recv() {
            Ok(Event::Reload) => {
                // Before the file is read: who asks from now on may have changed it since.
                wants_reload.store(false, Ordering::Release);
                drop(reload(reloader, workers, Reload::Script, clock));
            }
            Ok(Event::ReloadFor(order)) => match reload(reloader, workers, order.what, clock) {
                Ok(Reloaded { path, remarks }) => {
                    order.answer(Ok(()), format!("{remarks}reloaded: {}\n", path.display()));
                }
                Err(error) => {
                    order.answer(Err(format!("not reloaded: {error}")), error.diagnostics());
                }
            },
            Ok(Event::WorkerEnded(Err(source))) => {
                return Err(ServerError::System { what: "a worker failed", source });
            }
            _ => return Ok(()),
        }
    }
}

/// Reads the script or what it names again, has the workers take it, and tells the log what came
/// of it.
fn reload(
    reloader: &Reloader,
    workers: &[WorkerHandle],
    what: Reload,
    clock: Clock,
) -> Result<Reloaded, ReloadError> {
    let result = match what {
        Reload::Script => reloader.reload(),
        Reload::Tls => reloader.reload_tls(),
    };
    workers.iter().for_each(|worker| wake(worker, "take the new script"));
    log::tell(&reload_lines(&result));
    if result.is_ok() {
        warn_of_expiry(reloader.tls(), clock.now());
    }
    result
}

/// Warns of certificates that have expired, or will soon.
fn warn_of_expiry(tls: &TlsStore, now: Now) {
    for warning in expiry_warnings(&tls.contexts().load(), now.wall_seconds) {
        tracing::warn!("{warning}");
    }
}

/// What came of a reload, for the log.
fn reload_lines(result: &Result<Reloaded, ReloadError>) -> String {
    match result {
        Ok(Reloaded { path, remarks }) => format!("{remarks}reloaded: {}\n", path.display()),
        Err(error) => format!("{}not reloaded: {error}\n", error.diagnostics()),
    }
}

/// Wakes a worker for something.
fn wake(worker: &WorkerHandle, what: &str) {
    if let Err(error) = worker.wake() {
        tracing::warn!("a worker cannot be woken to {what}: {error}");
    }
}

/// Has a thread stopped that helps the workers. Another one waits for its end and reports it, as
/// it may hang; how many reports will come.
fn stop_helper(report: &Sender<Event>, name: &str, stop: impl FnOnce() + Send + 'static) -> usize {
    let report = report.clone();
    let stop = move || {
        stop();
        // The main thread may be gone already, and the process with it.
        drop(report.send(Event::HelperEnded));
    };
    let thread = thread::Builder::new().name(format!("stop-{name}")).spawn(stop);
    if let Err(error) = &thread {
        tracing::warn!("the thread for {name} cannot be stopped: {error}");
    }
    usize::from(thread.is_ok())
}

/// Has the workers send what they hold and end, once the helpers have ended or the half of the
/// time has passed. Does not wait for long, nor after a second signal.
fn stop(workers: Vec<WorkerHandle>, helper_count: usize, events: &Receiver<Event>) {
    let (half, late) = (after(STOP_TIME_MAX / 2), after(STOP_TIME_MAX));
    let mut running = Running { helpers: helper_count, workers: workers.len() };
    // Before the workers, so that whoever waits for a command has an answer to go on with.
    if !running.wait(events, &half, |running| running.helpers == 0) {
        return;
    }
    for worker in &workers {
        if let Err(error) = worker.stop() {
            tracing::warn!("a worker cannot be woken to stop: {error}");
        }
    }
    if !running.wait(events, &late, |running| (running.helpers, running.workers) == (0, 0)) {
        return;
    }
    if running.helpers > 0 {
        tracing::warn!("{} of the workers' helpers did not stop in time", running.helpers);
    }
    if running.workers > 0 {
        return tracing::warn!("{} workers did not stop in time", running.workers);
    }
    workers.into_iter().for_each(WorkerHandle::join);
}

/// How many threads have not told their end.
struct Running {
    helpers: usize,
    workers: usize,
}

impl Running {
    /// Waits until enough have ended or it is late; false after a second signal.
    fn wait(
        &mut self,
        events: &Receiver<Event>,
        late: &Receiver<Instant>,
        is_enough: impl Fn(&Self) -> bool,
    ) -> bool {
        while !is_enough(self) {
            select! {
                recv(events) -> event => match event {
                    Ok(Event::WorkerEnded(_)) => self.workers = self.workers.saturating_sub(1),
                    Ok(Event::HelperEnded) => self.helpers = self.helpers.saturating_sub(1),
                    Ok(Event::Reload | Event::ReloadFor(_)) => {}
                    _ => return false,
                },
                recv(late) -> _ => return true,
            }
        }
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::Transport;

    #[test]
    fn the_ready_line_names_all_addresses() {
        let endpoint =
            |transport, address: &str| Endpoint { transport, address: address.parse().unwrap() };
        let endpoints =
            [endpoint(Transport::Udp, "127.0.0.1:5060"), endpoint(Transport::Tcp, "[::1]:5070")];
        assert_eq!(ready_line(&endpoints[..1], 4), "ready: udp:127.0.0.1:5060, 4 workers\n");
        assert_eq!(
            ready_line(&endpoints, 1),
            "ready: udp:127.0.0.1:5060, tcp:[::1]:5070, 1 worker\n"
        );
    }

    #[test]
    fn who_does_not_end_is_not_waited_for_without_end() {
        let (report, events) = unbounded();
        let all = |running: &Running| (running.helpers, running.workers) == (0, 0);
        let mut running = Running { helpers: 2, workers: 1 };
        assert!(running.wait(&events, &after(Duration::ZERO), all));
        assert_eq!((running.helpers, running.workers), (2, 1));

        let never = crossbeam_channel::never();
        assert_eq!(stop_helper(&report, "a", || {}), 1);
        assert!(running.wait(&events, &never, |running| running.helpers == 1));
        let (release, hung) = unbounded::<()>();
        assert_eq!(stop_helper(&report, "b", move || assert!(hung.recv().is_err())), 1);
        report.send(Event::WorkerEnded(Ok(()))).unwrap();
        report.send(Event::Stop).unwrap();
        assert!(!running.wait(&events, &never, all), "a second signal ends at once");
        assert_eq!((running.helpers, running.workers), (1, 0));
        drop(release);
        assert!(running.wait(&events, &never, all));
    }
}
