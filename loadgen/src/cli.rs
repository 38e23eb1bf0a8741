//! The command line.

use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;

use clap::{ArgGroup, Args, Parser, Subcommand};
use viaload::pace::Arrivals;
use viaload::run::{AnswerOptions, CrewOptions, LoadOptions, Options, Target, UserOptions};
use viaload::view::Kind;

/// A load generator for SIP servers: call flows from all cores, latency from the intended start.
#[derive(Debug, Parser)]
#[command(version, about)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Call through a server, answer the calls, and report.
    Run(Box<RunArguments>),
    /// Only answer calls, until Ctrl-C.
    Uas(UasArguments),
    /// Show two reports side by side.
    Compare {
        /// The report of a run, from --json.
        a: PathBuf,
        /// The report of another.
        b: PathBuf,
        /// Also write a page.
        #[arg(long, value_name = "FILE")]
        html: Option<PathBuf>,
    },
    /// List the built-in scenarios, or print one.
    Scenarios {
        /// The one to print, as SIPp's XML.
        name: Option<String>,
    },
}

/// The arguments of `run`.
#[derive(Args, Debug)]
#[command(group = ArgGroup::new("load").args(["rate", "concurrency", "ramp", "steps"]))]
pub(crate) struct RunArguments {
    /// The server: address or host name, and port if it is not 5060.
    #[arg(long, value_name = "ADDR[:PORT]", default_value = "127.0.0.1")]
    target: Target,
    /// What calls do: a built-in scenario (see `viaload scenarios`) or a file of SIPp's.
    #[arg(long, value_name = "NAME|FILE.xml", default_value = "call")]
    scenario: String,
    /// What those who are called do, instead of the built-in scenarios.
    #[arg(long, value_name = "FILE.xml", conflicts_with = "no_uas")]
    uas_scenario: Option<PathBuf>,
    /// Pauses of the scenario that have no length, such as the length of calls (milliseconds).
    #[arg(long, value_name = "MS", default_value_t = 0)]
    hold: u64,
    /// Fields for the scenario's messages; may be given repeatedly (SIPp -inf).
    #[arg(long, value_name = "FILE")]
    inf: Vec<PathBuf>,
    /// Do not answer calls: the target does.
    #[arg(long)]
    no_uas: bool,
    /// Seed of all chance: the same seed makes the same calls.
    #[arg(long, value_name = "N", default_value_t = 1)]
    seed: u64,
    /// Measure what this machine can do at most: call the own user agents without a server.
    #[arg(long, conflicts_with_all = ["find_max", "no_uas", "target", "load", "calls", "users"])]
    self_test: bool,
    /// The target's host once more, if it is not this machine: nobody floods a stranger by a
    /// slip of the fingers.
    #[arg(long, value_name = "HOST")]
    i_am_allowed_to_test: Option<String>,
    // Headings hold for all that follows: groups come last.
    #[command(flatten)]
    load: LoadArguments,
    #[command(flatten)]
    users: UserArguments,
    #[command(flatten)]
    crew: CrewArguments,
    #[command(flatten)]
    sockets: SocketArguments,
    #[command(flatten, next_help_heading = "Report")]
    report: ReportArguments,
}

/// How many calls, and when.
#[derive(Args, Debug)]
#[command(next_help_heading = "Load")]
struct LoadArguments {
    /// Open loop: calls per second [default: 10].
    #[arg(long, value_name = "CALLS/S")]
    rate: Option<f64>,
    /// Closed loop: calls in progress at any time.
    #[arg(long, value_name = "N")]
    concurrency: Option<usize>,
    /// Open loop: rates (calls/s) from one to another in steps.
    #[arg(long, value_name = "FROM:TO:STEP")]
    ramp: Option<String>,
    /// Open loop: rates (calls/s) for so many seconds each; A-B goes from one to another.
    #[arg(long, value_name = "RATE:S,A-B:S,...")]
    steps: Option<String>,
    /// Look for the highest rate with loss ≤ 0.01 % and p99 ≤ --p99-max; --rate is the first.
    #[arg(long, conflicts_with_all = ["concurrency", "ramp", "steps", "calls"])]
    find_max: bool,
    /// How long calls are started (seconds) [default: 10, or until --calls are made].
    #[arg(long, value_name = "S", value_parser = positive, conflicts_with_all = ["ramp", "steps"])]
    duration: Option<f64>,
    /// How long each step of --ramp lasts (seconds).
    #[arg(long, value_name = "S", default_value_t = 10.0, value_parser = positive)]
    step_time: f64,
    /// Make no more calls than this.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    calls: Option<u64>,
    /// How calls of an open loop follow each other.
    #[arg(long, value_enum, default_value = "uniform")]
    arrivals: Arrivals,
}

/// Who calls and is called.
#[derive(Args, Debug)]
#[command(next_help_heading = "Users")]
struct UserArguments {
    /// So many made-up users, or those of a file with the columns user and domain; they are
    /// registered before the run.
    #[arg(long, value_name = "N|FILE.csv")]
    users: Option<String>,
    /// The users' domain [default: that of the file, or the target].
    #[arg(long, value_name = "DOMAIN")]
    domain: Option<String>,
    /// Who is called where there are no users.
    #[arg(long, value_name = "NAME", default_value = "service")]
    service: String,
}

/// Worker threads.
#[derive(Args, Debug)]
#[command(next_help_heading = "Threads and sockets")]
struct CrewArguments {
    /// Worker threads [default: one for each of --cores, else half of the usable cores].
    #[arg(long, value_name = "N", value_parser = worker_count)]
    threads: Option<usize>,
    /// Cores that workers stay on, such as 0,2-3 [default: all in turn].
    #[arg(long, value_name = "LIST", value_parser = core_list, conflicts_with = "no_pin")]
    cores: Option<CoreList>,
    /// Let the scheduler move workers between cores.
    #[arg(long)]
    no_pin: bool,
}

/// Sockets of those who call.
#[derive(Args, Debug)]
#[command(next_help_heading = "Threads and sockets")]
struct SocketArguments {
    /// Source ports of callers for each worker.
    #[arg(long, value_name = "N", default_value_t = 4,
        value_parser = clap::value_parser!(u16).range(1..=128))]
    ports: u16,
    /// Make all calls from one source port, as one trunk does; the other workers only answer.
    #[arg(long, conflicts_with = "ports")]
    single_source: bool,
    /// Own address [default: the one from which the target is reached].
    #[arg(long, value_name = "IP")]
    local: Option<IpAddr>,
}

/// What is told, and how.
#[derive(Args, Debug)]
struct ReportArguments {
    /// Write the report as JSON.
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
    /// Write the report as a page that needs no network.
    #[arg(long, value_name = "FILE")]
    html: Option<PathBuf>,
    /// Keep so many whole calls of each kind: the first, the slowest, those that failed.
    #[arg(long, value_name = "N", default_value_t = 0)]
    trace: usize,
    /// What is shown during the run.
    #[arg(long, value_enum, default_value = "auto")]
    view: Kind,
    /// The run is invalid if 1 % of calls start later than this (milliseconds).
    #[arg(long, value_name = "MS", default_value_t = 10.0, value_parser = positive)]
    max_lag: f64,
    /// More failed calls than this make the exit code 1 (percent).
    #[arg(long, value_name = "PERCENT", default_value_t = 0.0, value_parser = percentage)]
    max_loss: f64,
    /// For --find-max: 99 % of the main times are to be no longer (milliseconds).
    #[arg(long, value_name = "MS", default_value_t = 100.0, value_parser = positive)]
    p99_max: f64,
}

/// The arguments of `uas`.
#[derive(Args, Debug)]
pub(crate) struct UasArguments {
    /// Address to be called at; port 0 is any free port.
    #[arg(long, value_name = "ADDR[:PORT]", value_parser = listen_address)]
    listen: SocketAddr,
    /// What is done with calls, instead of the built-in scenarios: a file of SIPp's.
    #[arg(long, value_name = "FILE.xml")]
    scenario: Option<PathBuf>,
    /// Pauses of the scenario that have no length (milliseconds).
    #[arg(long, value_name = "MS", default_value_t = 0)]
    hold: u64,
    /// What is shown meanwhile.
    #[arg(long, value_enum, default_value = "auto")]
    view: Kind,
    #[command(flatten)]
    crew: CrewArguments,
}

impl From<RunArguments> for Options {
    fn from(arguments: RunArguments) -> Self {
        let RunArguments { load, users, crew, sockets, report, .. } = arguments;
        Self {
            target: arguments.target,
            allowed: arguments.i_am_allowed_to_test,
            scenario: arguments.scenario,
            callee_scenario: arguments.uas_scenario,
            load: LoadOptions {
                rate: load.rate,
                concurrency: load.concurrency,
                ramp: load.ramp,
                steps: load.steps,
                find_max: load.find_max,
                duration_seconds: load.duration,
                step_seconds: load.step_time,
                calls: load.calls,
                arrivals: load.arrivals,
                p99_max: milliseconds(report.p99_max),
            },
            users: UserOptions { users: users.users, domain: users.domain, service: users.service },
            crew: crew.into(),
            ports: sockets.ports,
            single_source: sockets.single_source,
            local: sockets.local,
            hold: Duration::from_millis(arguments.hold),
            injected: arguments.inf,
            answer: !arguments.no_uas,
            json: report.json,
            html: report.html,
            traces: report.trace,
            view: report.view,
            lag_max: milliseconds(report.max_lag),
            loss_max_percent: report.max_loss,
            seed: arguments.seed,
            self_test: arguments.self_test,
        }
    }
}

impl From<UasArguments> for AnswerOptions {
    fn from(arguments: UasArguments) -> Self {
        Self {
            listen: arguments.listen,
            scenario: arguments.scenario,
            hold: Duration::from_millis(arguments.hold),
            crew: arguments.crew.into(),
            view: arguments.view,
        }
    }
}

impl From<CrewArguments> for CrewOptions {
    fn from(arguments: CrewArguments) -> Self {
        Self {
            threads: arguments.threads,
            cores: arguments.cores.map(|list| list.0),
            pin: !arguments.no_pin,
        }
    }
}

/// A span of so many milliseconds.
fn milliseconds(count: f64) -> Duration {
    Duration::from_secs_f64(count / 1_000.0)
}

/// Parses a number above zero; a day is more than any run or bound needs.
fn positive(text: &str) -> Result<f64, String> {
    const MAX: f64 = 86_400_000.0;
    match text.parse() {
        Ok(number) if number > 0.0 && number <= MAX => Ok(number),
        _ => Err(format!("expected a number above 0, up to {MAX}")),
    }
}

/// Parses a share of a hundred.
fn percentage(text: &str) -> Result<f64, String> {
    match text.parse() {
        Ok(number) if (0.0..=100.0).contains(&number) => Ok(number),
        _ => Err("expected a number from 0 to 100".to_owned()),
    }
}

/// Parses a number of workers.
fn worker_count(text: &str) -> Result<usize, String> {
    const MAX: usize = 256;
    match text.parse() {
        Ok(count @ 1..=MAX) => Ok(count),
        _ => Err(format!("expected a number from 1 to {MAX}")),
    }
}

/// Numbers of cores.
#[derive(Clone, Debug, PartialEq, Eq)]
struct CoreList(Vec<usize>);

/// Parses a list of cores: `0,2-3`.
fn core_list(text: &str) -> Result<CoreList, String> {
    const MAX: usize = 4_096;
    let wrong = || "expected numbers and ranges, such as 0,2-3".to_owned();
    let number =
        |text: &str| text.parse::<usize>().ok().filter(|core| *core < MAX).ok_or_else(wrong);
    let mut cores = Vec::new();
    for part in text.split(',') {
        let (first, last) = part.split_once('-').unwrap_or((part, part));
        let (first, last) = (number(first)?, number(last)?);
        if first > last {
            return Err(wrong());
        }
        cores.extend(first..=last);
    }
    Ok(CoreList(cores))
}

/// Parses an address to listen on.
fn listen_address(text: &str) -> Result<SocketAddr, String> {
    const SIP_PORT: u16 = 5_060;
    let address = text.strip_prefix("udp:").unwrap_or(text);
    let host = address.strip_prefix('[').and_then(|host| host.strip_suffix(']'));
    let ip = || host.unwrap_or(address).parse().ok().map(|ip: IpAddr| (ip, SIP_PORT).into());
    let parsed: Option<SocketAddr> = address.parse().ok().or_else(ip);
    let parsed =
        parsed.ok_or_else(|| "expected ADDRESS:PORT, such as 127.0.0.1:5062".to_owned())?;
    if parsed.ip().is_unspecified() {
        return Err("callers need to be told one address of this machine, not all".to_owned());
    }
    Ok(parsed)
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_definitions_are_consistent() {
        Arguments::command().debug_assert();
    }

    #[test]
    fn cores_are_numbers_and_ranges() {
        assert_eq!(core_list("0,2-4"), Ok(CoreList(vec![0, 2, 3, 4])));
        for text in ["", "a", "3-2", "1,", "0-99999"] {
            assert!(core_list(text).is_err(), "{text}");
        }
    }

    #[test]
    fn listen_addresses_may_leave_out_what_is_usual() {
        for (text, expected) in [
            ("udp:127.0.0.1:5070", "127.0.0.1:5070"),
            ("127.0.0.1:0", "127.0.0.1:0"),
            ("127.0.0.1", "127.0.0.1:5060"),
            ("[::1]", "[::1]:5060"),
        ] {
            assert_eq!(listen_address(text), Ok(expected.parse().unwrap()), "{text}");
        }
        for text in ["", "example.org", "0.0.0.0:5060", "[::]:5060"] {
            assert!(listen_address(text).is_err(), "{text}");
        }
    }

    #[test]
    fn numbers_out_of_bounds_are_refused() {
        for text in ["0", "-1", "NaN", "inf", "x", "1e12"] {
            assert!(positive(text).is_err(), "{text}");
        }
        assert_eq!(positive("0.5"), Ok(0.5));
        assert!(percentage("101").is_err() && percentage("NaN").is_err());
        assert!(worker_count("0").is_err() && worker_count("257").is_err());
    }
}
