//! The command line.

use std::net::IpAddr;
use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Parser, Subcommand, ValueEnum};
use tracing::level_filters::LevelFilter;
use viaduct::limits::WORKER_COUNT_MAX;
use viaduct::protocol::{Endpoint, Transport};
use viaduct::server;

/// A SIP proxy and registrar that runs SER, OpenSER and Kamailio routing scripts.
#[derive(Debug, Parser)]
#[command(version, about)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Run the server until SIGTERM or SIGINT; SIGHUP reads the script again.
    Run(RunArguments),
    /// Look for errors in a script.
    Check {
        /// The script.
        #[arg(required_unless_present = "explain")]
        file: Option<PathBuf>,
        #[command(flatten)]
        arguments: CheckArguments,
    },
    /// Run one message through a script, without a network: each line that runs with its
    /// values, what is decided, and the messages that would be sent, with what was changed.
    Route(RouteArguments),
    /// Run the cases in `*.flow` files against the scripts that they name, without a network.
    /// Exit code 1 if a case fails, 2 if one cannot be run.
    Test {
        /// Files, or directories that are searched for `*.flow`.
        #[arg(required = true)]
        paths: Vec<PathBuf>,
        /// Show how many lines of each script have run, and those that have not.
        #[arg(long)]
        coverage: bool,
        /// Write the lines and conditions that have run to this file, in the format of lcov.
        #[arg(long, value_name = "FILE")]
        lcov: Option<PathBuf>,
    },
    /// Ask a running server, or change what it keeps: `viaduct ctl help` lists what there is.
    /// Exit code 1 if it refuses, 3 if there is no server.
    Ctl(CtlArguments),
    /// List the functions of scripts, or describe one.
    Functions {
        /// Its name.
        name: Option<String>,
    },
    /// List the pseudo-variables of scripts, or describe one.
    Variables {
        /// Its name, with or without `$`.
        name: Option<String>,
    },
    /// List the modules that scripts can load, or describe one.
    Modules {
        /// Its name.
        name: Option<String>,
    },
    /// Write the whole reference of scripts as a page.
    #[command(hide = true)]
    Reference,
    /// Look at this machine: what costs speed or datagrams, why, and the command that changes
    /// it. Changes nothing; exit code 1 if something must be changed.
    Doctor {
        /// The script that the server will run; without it, the built-in one.
        #[arg(long, value_name = "FILE")]
        config: Option<PathBuf>,
        /// human: text; json: an array. Both on standard output.
        #[arg(long, value_enum, default_value = "human")]
        format: CheckFormat,
    },
}

/// The arguments of `check`.
#[derive(Args, Debug)]
pub(crate) struct CheckArguments {
    /// human: on standard error; json: an object on standard output.
    #[arg(long, value_enum, default_value = "human")]
    format: CheckFormat,
    /// Warnings count as errors.
    #[arg(long)]
    deny_warnings: bool,
    /// Tell how much of the script is supported, and each line that is not, on standard output.
    #[arg(long, conflicts_with = "deny_warnings")]
    compat: bool,
    /// Print what a diagnostic means and how to repair it, and look at no script.
    #[arg(long, value_name = "CODE", conflicts_with_all = ["file", "compat"])]
    pub(crate) explain: Option<String>,
}

impl From<CheckArguments> for server::CheckOptions {
    fn from(arguments: CheckArguments) -> Self {
        Self {
            format: arguments.format.into(),
            deny_warnings: arguments.deny_warnings,
            compat: arguments.compat,
        }
    }
}

/// The arguments of `route`.
#[derive(Args, Debug)]
pub(crate) struct RouteArguments {
    /// The script.
    file: PathBuf,
    /// A file with the message, a request or a response; `-` is standard input. Several are
    /// given to the server one after the other.
    #[arg(long, value_name = "FILE", required = true)]
    message: Vec<PathBuf>,
    /// Who sends it; else the address in its topmost Via, or 198.51.100.7:5060.
    #[arg(long, value_name = "tcp:ADDR:PORT", value_parser = parse_listen)]
    source: Option<Endpoint>,
    /// Address of the server instead of those in the script; else 192.0.2.1:5060. May be given
    /// repeatedly; the message goes to the first of the family and transport of its source.
    #[arg(long, value_name = "udp:ADDR:PORT", value_parser = parse_listen)]
    listen: Vec<Endpoint>,
    /// A contact that is registered: sip:bob@example.com=sip:bob@198.51.100.8. May be given
    /// repeatedly.
    #[arg(long, value_name = "AOR=CONTACT", value_parser = parse_pair)]
    register: Vec<(String, String)>,
    /// The address of a host name; other names have none. May be given repeatedly.
    #[arg(long, value_name = "NAME=ADDR", value_parser = parse_host)]
    host: Vec<(String, IpAddr)>,
    /// What the next command of `exec` writes; it ends with status 0. Commands for which there is
    /// none are not started. May be given repeatedly.
    #[arg(long, value_name = "FILE")]
    output: Vec<PathBuf>,
    /// human: text; json: an object for each message. Both on standard output.
    #[arg(long, value_enum, default_value = "human")]
    format: CheckFormat,
}

impl From<RouteArguments> for server::RouteOptions {
    fn from(arguments: RouteArguments) -> Self {
        Self {
            script: arguments.file,
            messages: arguments.message,
            source: arguments.source,
            listen: arguments.listen,
            registrations: arguments.register,
            hosts: arguments.host,
            outputs: arguments.output,
            format: arguments.format.into(),
        }
    }
}

/// The arguments of `run`.
#[derive(Args, Debug)]
pub(crate) struct RunArguments {
    /// The script; without it, a registrar and stateless proxy for any user that registers.
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Address to listen on instead of those in the script; port 0 is any free port. May be
    /// given repeatedly.
    #[arg(long, value_name = "udp|tcp|tls:ADDR:PORT", value_parser = parse_listen)]
    listen: Vec<Endpoint>,
    /// Number of workers instead of that in the script (children); else one for each usable core.
    #[arg(long, value_name = "N", value_parser = parse_workers)]
    workers: Option<usize>,
    /// Let the scheduler move workers between cores.
    #[arg(long)]
    no_pin: bool,
    /// The server's own log lines to write: off, error, warn, info, debug or trace.
    #[arg(long, value_name = "LEVEL", default_value = "warn")]
    log_level: LevelFilter,
    /// The socket for `viaduct ctl` instead of that in the script (ctl); without either there is
    /// none.
    #[arg(long, value_name = "PATH", value_parser = parse_socket)]
    ctl: Option<PathBuf>,
}

impl From<RunArguments> for server::Options {
    fn from(arguments: RunArguments) -> Self {
        Self {
            config: arguments.config,
            listen: arguments.listen,
            workers: arguments.workers,
            pin: !arguments.no_pin,
            log_level: arguments.log_level,
            ctl: arguments.ctl,
        }
    }
}

/// The arguments of `ctl`.
#[derive(Args, Debug)]
pub(crate) struct CtlArguments {
    /// The command: ul show [USER], ul add USER URI, ul rm USER [URI], alias show|add|rm, ps,
    /// stats, moni, uptime, version, reload, or one of the FIFO of SER.
    #[arg(required = true, value_name = "COMMAND")]
    words: Vec<String>,
    /// The server's socket.
    #[arg(
        long = "ctl",
        value_name = "PATH",
        default_value = "/run/viaduct/ctl",
        value_parser = parse_socket
    )]
    socket: PathBuf,
    /// human: text; json: an object. Both on standard output.
    #[arg(long, value_enum, default_value = "human")]
    format: CheckFormat,
    /// ul show: only the users.
    #[arg(long)]
    brief: bool,
    /// moni: seconds between two rounds.
    #[arg(long, value_name = "SECONDS", default_value = "2")]
    interval: u64,
    /// moni: rounds; else until it is interrupted.
    #[arg(long, value_name = "N")]
    count: Option<u64>,
}

impl From<CtlArguments> for server::CtlOptions {
    fn from(arguments: CtlArguments) -> Self {
        let brief = arguments.brief.then(|| "--brief".to_owned());
        Self {
            socket: arguments.socket,
            format: arguments.format.into(),
            words: arguments.words.into_iter().chain(brief).collect(),
            interval: Duration::from_secs(arguments.interval),
            count: arguments.count,
        }
    }
}

/// As [`server::Format`].
#[derive(Clone, Copy, Debug, ValueEnum)]
pub(crate) enum CheckFormat {
    /// For people.
    #[value(alias = "text")]
    Human,
    /// For programs.
    Json,
}

impl From<CheckFormat> for server::Format {
    fn from(format: CheckFormat) -> Self {
        match format {
            CheckFormat::Human => Self::Human,
            CheckFormat::Json => Self::Json,
        }
    }
}

/// Parses `tcp:ADDR:PORT`, `ADDR:PORT` (UDP) or either without a port, which is that of the
/// transport then.
fn parse_listen(text: &str) -> Result<Endpoint, String> {
    let prefixed = text.split_once(':').and_then(|(name, address)| {
        Transport::of(name.as_bytes()).map(|transport| (transport, address))
    });
    let (transport, address) = prefixed.unwrap_or((Transport::Udp, text));
    let host = address.strip_prefix('[').and_then(|host| host.strip_suffix(']'));
    let without_port = || {
        host.unwrap_or(address).parse().ok().map(|ip: IpAddr| (ip, transport.default_port()).into())
    };
    address
        .parse()
        .ok()
        .or_else(without_port)
        .map(|address| Endpoint { transport, address })
        .ok_or_else(|| "expected udp:ADDRESS:PORT, such as udp:192.0.2.1:5060".to_owned())
}

/// Parses `unix:PATH` or `PATH`.
fn parse_socket(text: &str) -> Result<PathBuf, String> {
    let path = text.strip_prefix("unix:").unwrap_or(text);
    if path.is_empty() { Err("expected a path".to_owned()) } else { Ok(path.into()) }
}

/// Parses `AOR=CONTACT`. The contact may have a `=` in its parameters.
fn parse_pair(text: &str) -> Result<(String, String), String> {
    let pair = text.split_once('=').filter(|(left, right)| !left.is_empty() && !right.is_empty());
    pair.map(|(left, right)| (left.to_owned(), right.to_owned()))
        .ok_or_else(|| "expected AOR=CONTACT, both URIs".to_owned())
}

/// Parses `NAME=ADDR`.
fn parse_host(text: &str) -> Result<(String, IpAddr), String> {
    let pair = text.split_once('=').and_then(|(name, address)| {
        Some((name.to_owned(), address.trim_matches(['[', ']']).parse().ok()?))
    });
    pair.filter(|(name, _)| !name.is_empty())
        .ok_or_else(|| "expected NAME=ADDR, such as gw.example.com=192.0.2.5".to_owned())
}

/// Parses a number of workers.
fn parse_workers(text: &str) -> Result<usize, String> {
    match text.parse() {
        Ok(count @ 1..=WORKER_COUNT_MAX) => Ok(count),
        _ => Err(format!("expected a number from 1 to {WORKER_COUNT_MAX}")),
    }
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
    fn listen_addresses_may_leave_out_what_is_usual() {
        for (text, expected) in [
            ("udp:192.0.2.1:5070", "udp:192.0.2.1:5070"),
            ("192.0.2.1:0", "udp:192.0.2.1:0"),
            ("udp:192.0.2.1", "udp:192.0.2.1:5060"),
            ("udp:[2001:db8::1]:5061", "udp:[2001:db8::1]:5061"),
            ("[2001:db8::1]", "udp:[2001:db8::1]:5060"),
            ("tcp:192.0.2.1", "tcp:192.0.2.1:5060"),
            ("tls:[2001:db8::1]", "tls:[2001:db8::1]:5061"),
        ] {
            assert_eq!(parse_listen(text).unwrap().to_string(), expected, "{text}");
        }
        for text in ["", "udp:", "sctp:192.0.2.1:5060", "example.org:5060", "192.0.2.1:70000"] {
            assert!(parse_listen(text).is_err(), "{text}");
        }
    }

    #[test]
    fn worker_counts_have_bounds() {
        assert_eq!(parse_workers("1"), Ok(1));
        assert_eq!(parse_workers("256"), Ok(256));
        for text in ["0", "257", "-1", "many"] {
            assert!(parse_workers(text).is_err(), "{text}");
        }
    }
}
