//! What to listen on and with how many workers: the command line over the script.

use std::net::{Ipv4Addr, SocketAddr};
use std::num::NonZero;
use std::thread;

use core_affinity::CoreId;

use super::{Options, ServerError};
use crate::limits::{LISTENER_COUNT_MAX, WORKER_COUNT_MAX};
use crate::protocol::{Endpoint, Transport};
use crate::script::{ListenAddress, Settings};
use crate::transport::Steering;

/// What to bind and to start.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Plan {
    /// The listen addresses, each once.
    pub(super) listen: Vec<ListenAddress>,
    /// The number of workers.
    pub(super) worker_count: usize,
    /// How datagrams are given to workers.
    pub(super) steering: Steering,
}

impl Plan {
    /// The plan of `settings`, as far as `options` say nothing else.
    pub(super) fn new(options: &Options, settings: &Settings) -> Result<Self, ServerError> {
        let listen = listen_addresses(options, settings);
        let worker_count = options.workers.or(settings.workers).unwrap_or_else(usable_cores).max(1);
        refuse_above("listen addresses", listen.len(), LISTENER_COUNT_MAX)?;
        refuse_above("workers", worker_count, WORKER_COUNT_MAX)?;
        let steering = if settings.steering_spread { Steering::Spread } else { Steering::Hash };
        Ok(Self { listen, worker_count, steering })
    }

    /// Whether there are listeners for connections.
    pub(super) fn has_streams(&self) -> bool {
        self.listen.iter().any(|listen| listen.transport.is_stream())
    }
}

/// The listen addresses without repetitions, in the order of their transports. Port 0 may be asked
/// for repeatedly.
fn listen_addresses(options: &Options, settings: &Settings) -> Vec<ListenAddress> {
    let plain =
        |Endpoint { transport, address }| ListenAddress { transport, address, advertise: None };
    let wanted: Vec<ListenAddress> = if !options.listen.is_empty() {
        options.listen.iter().copied().map(plain).collect()
    } else if settings.listen.is_empty() {
        let address = SocketAddr::from((Ipv4Addr::UNSPECIFIED, settings.port));
        vec![plain(Endpoint { transport: Transport::Udp, address })]
    } else {
        settings.listen.clone()
    };
    let mut listen: Vec<ListenAddress> = Vec::new();
    for candidate in wanted {
        let same = |other: &ListenAddress| {
            (other.transport, other.address) == (candidate.transport, candidate.address)
        };
        if candidate.address.port() == 0 || !listen.iter().any(same) {
            listen.push(candidate);
        }
    }
    listen.sort_by_key(|listen| listen.transport);
    listen
}

/// An error if there are more than there can be.
fn refuse_above(what: &'static str, count: usize, maximum: usize) -> Result<(), ServerError> {
    if count > maximum { Err(ServerError::TooMany { what, count, maximum }) } else { Ok(()) }
}

/// How many cores this process may use at once, by its affinity mask and its processor quota.
pub(super) fn usable_cores() -> usize {
    thread::available_parallelism().map_or(1, NonZero::get)
}

/// The cores to pin workers to, in turn; none if they are better left to the scheduler. With a
/// quota on processor time and the whole machine to run on, every such process would otherwise
/// choose the same first cores.
pub(super) fn cores_to_pin(pin: bool) -> Vec<CoreId> {
    let cores = core_affinity::get_core_ids().unwrap_or_default();
    if pin && cores.len() <= usable_cores() { cores } else { Vec::new() }
}

#[cfg(test)]
mod tests {
    use tracing::level_filters::LevelFilter;

    use super::*;

    /// An address of UDP.
    fn udp(text: &str) -> Endpoint {
        Endpoint { transport: Transport::Udp, address: text.parse().unwrap() }
    }

    /// Options with nothing given but these.
    fn options(listen: &[&str], workers: Option<usize>) -> Options {
        Options {
            config: None,
            listen: listen.iter().map(|address| udp(address)).collect(),
            workers,
            pin: false,
            log_level: LevelFilter::OFF,
            ctl: None,
        }
    }

    /// The addresses of a plan.
    fn addresses(plan: &Plan) -> Vec<String> {
        plan.listen.iter().map(|listen| listen.address.to_string()).collect()
    }

    #[test]
    fn the_command_line_goes_before_the_script() {
        let mut settings = Settings::default();
        let Endpoint { transport, address } = udp("192.0.2.1:5070");
        let listen = ListenAddress { transport, address, advertise: None };
        settings.listen = vec![listen.clone(), listen];
        settings.workers = Some(3);
        let plan = Plan::new(&options(&[], None), &settings).unwrap();
        assert_eq!((addresses(&plan), plan.worker_count), (vec!["192.0.2.1:5070".to_owned()], 3));
        let given = options(&["192.0.2.2:5060", "192.0.2.2:5060", "[::1]:0", "[::1]:0"], Some(2));
        let plan = Plan::new(&given, &settings).unwrap();
        assert_eq!(addresses(&plan), ["192.0.2.2:5060", "[::1]:0", "[::1]:0"]);
        assert_eq!(plan.worker_count, 2);
    }

    #[test]
    fn without_any_word_it_listens_everywhere_with_a_worker_for_each_core() {
        let plan = Plan::new(&options(&[], None), &Settings::default()).unwrap();
        assert_eq!(addresses(&plan), ["0.0.0.0:5060"]);
        assert_eq!(plan.worker_count, usable_cores());
    }

    #[test]
    fn too_many_workers_are_refused_with_the_maximum() {
        let settings = Settings { workers: Some(5_000), ..Settings::default() };
        let error = Plan::new(&options(&[], None), &settings).unwrap_err();
        assert_eq!(error.to_string(), "workers: 5000 are too many, the maximum is 256");
        assert_eq!(error.exit_code(), 1);
    }
}
