//! The sockets of all listen addresses.

use super::ServerError;
use super::plan::Plan;
use crate::connections::{ConnectionSettings, Passed};
use crate::jobs::{Address, Mailbox};
use crate::limits::PASSED_COUNT_MAX;
use crate::mem::ListenerId;
use crate::protocol::{Endpoint, Transport};
use crate::script::ListenAddress;
use crate::sys;
use crate::transport::{StreamListener, UdpListener, bind_group, bind_streams};

/// What is bound: a group of sockets for each listen address, with a member for each worker.
pub(super) struct Sockets {
    udp: Vec<Vec<UdpListener>>,
    streams: Vec<Vec<StreamListener>>,
    /// For each worker, what others have to write to its connections.
    mailboxes: Vec<Mailbox<Passed>>,
}

/// What one worker gets of it.
pub(super) struct WorkerSockets {
    /// In the order of the plan.
    pub(super) udp: Vec<UdpListener>,
    /// In the order of the plan.
    pub(super) streams: Vec<StreamListener>,
    /// What others have to write to its connections.
    pub(super) mailbox: Mailbox<Passed>,
}

/// Files that the server needs beside connections, at most: commands and questions to name servers
/// have some hundred.
const OTHER_FILES: u64 = 1_024;

/// Lets the process have as many files as there may be connections, or says that it cannot.
pub(super) fn make_room(plan: &Plan, settings: &ConnectionSettings) {
    if !plan.has_streams() {
        return;
    }
    let wanted = settings.count_max as u64 + OTHER_FILES;
    let granted = sys::raise_open_files(wanted).unwrap_or(0);
    if granted < wanted {
        tracing::warn!(
            "there may be {} connections, but this process may only have {granted} files open: \
             `viaduct doctor` says how to raise that",
            settings.count_max
        );
    }
}

impl Sockets {
    /// Binds all sockets.
    pub(super) fn bind(plan: &Plan) -> Result<Self, ServerError> {
        let mailboxes = (0..plan.worker_count).map(|_| Mailbox::bounded(PASSED_COUNT_MAX));
        let (udp, streams) = (Vec::new(), Vec::new());
        let mut sockets = Self { udp, streams, mailboxes: mailboxes.collect() };
        for (position, listen) in plan.listen.iter().enumerate() {
            let id = ListenerId(position as u16);
            let ListenAddress { transport, address, .. } = *listen;
            if transport.is_stream() {
                let endpoint = Endpoint { transport, address };
                sockets.streams.push(bind_streams(id, endpoint, plan.worker_count)?);
                continue;
            }
            let group = bind_group(id, address, plan.worker_count, plan.steering)?;
            if let Ok((receive, send)) = group[0].granted_buffers() {
                tracing::info!(
                    "udp:{}: buffers of {receive} bytes to receive and {send} to send",
                    group[0].local_address()
                );
            }
            sockets.udp.push(group);
        }
        Ok(sockets)
    }

    /// Where is listened to, in the order of the plan.
    pub(super) fn endpoints(&self) -> Vec<Endpoint> {
        let udp = self.udp.iter().map(|group| (Transport::Udp, group[0].local_address()));
        let streams = self.streams.iter().map(|group| &group[0]);
        let streams = streams.map(|first| (first.transport(), first.local_address()));
        let endpoint = |(transport, address)| Endpoint { transport, address };
        udp.chain(streams).map(endpoint).collect()
    }

    /// The way to the mailbox of each worker.
    pub(super) fn mailboxes(&self) -> Vec<Address<Passed>> {
        self.mailboxes.iter().map(Mailbox::address).collect()
    }

    /// What each worker gets.
    pub(super) fn of_workers(self) -> Vec<WorkerSockets> {
        let mut udp: Vec<_> = self.udp.into_iter().map(Vec::into_iter).collect();
        let mut streams: Vec<_> = self.streams.into_iter().map(Vec::into_iter).collect();
        let of_worker = |mailbox| WorkerSockets {
            udp: udp.iter_mut().filter_map(Iterator::next).collect(),
            streams: streams.iter_mut().filter_map(Iterator::next).collect(),
            mailbox,
        };
        self.mailboxes.into_iter().map(of_worker).collect()
    }
}
