//! Which sockets each worker has.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use crate::outbox::SocketId;
use crate::worker::{BindError, Socket};

/// What sockets are wanted.
#[derive(Clone, Copy, Debug)]
pub(super) struct Wanted {
    /// Workers.
    pub(super) workers: usize,
    /// Own address.
    pub(super) local: IpAddr,
    /// Source ports of callers for each worker; 0 if there are none.
    pub(super) ports: u16,
    /// Whether only the first worker calls, from one port.
    pub(super) single_source: bool,
    /// Whether calls are answered.
    pub(super) answer: bool,
    /// An address that all workers share, for calls to come in.
    pub(super) listen: Option<SocketAddr>,
}

/// Which sockets each worker has: those of callers first, then that of callees, then its member
/// of the group at the shared address.
#[derive(Clone, Debug)]
pub(super) struct Layout {
    wanted: Wanted,
    /// Where callees are reached.
    pub(super) callee_addresses: Arc<[SocketAddr]>,
    /// The address that all workers share.
    pub(super) listen: Option<SocketAddr>,
}

impl Layout {
    /// Binds all sockets: the layout, and each worker's sockets.
    ///
    /// # Errors
    ///
    /// [`BindError`]
    pub(super) fn bind(wanted: Wanted) -> Result<(Self, Vec<Vec<Socket>>), BindError> {
        let free = SocketAddr::new(wanted.local, 0);
        let mut group = match wanted.listen {
            Some(address) => Socket::bind_group(address, wanted.workers)?,
            None => Vec::new(),
        };
        let listen = group.first().map(Socket::address);
        let mut layout = Self { wanted, callee_addresses: Arc::from([]), listen };
        let mut callees = Vec::new();
        let mut sockets = Vec::new();
        for worker in 0..wanted.workers {
            let mut own = Vec::new();
            for _ in 0..layout.caller_count(worker) {
                own.push(Socket::bind(free)?);
            }
            if wanted.answer {
                let callee = Socket::bind(free)?;
                callees.push(callee.address());
                own.push(callee);
            }
            own.extend(group.pop());
            sockets.push(own);
        }
        layout.callee_addresses = callees.into();
        Ok((layout, sockets))
    }

    /// Source ports of callers of a worker.
    fn caller_count(&self, worker: usize) -> u16 {
        match (self.wanted.single_source, worker) {
            (false, _) => self.wanted.ports,
            (true, 0) => 1,
            (true, _) => 0,
        }
    }

    /// Source ports of all callers.
    #[must_use]
    pub(super) fn source_ports(&self) -> usize {
        (0..self.wanted.workers).map(|worker| usize::from(self.caller_count(worker))).sum()
    }

    /// The sockets that callers of a worker send from.
    #[must_use]
    pub(super) fn caller_sockets(&self, worker: usize) -> Vec<SocketId> {
        (0..self.caller_count(worker)).map(SocketId).collect()
    }

    /// The socket that callees of a worker name in Contact.
    #[must_use]
    pub(super) fn callee_socket(&self, worker: usize) -> Option<SocketId> {
        self.wanted.answer.then(|| SocketId(self.caller_count(worker)))
    }

    /// A worker's number among those that call, and how many these are; none if it does not.
    #[must_use]
    pub(super) const fn calling(&self, worker: usize) -> Option<(usize, usize)> {
        match (self.wanted.ports, self.wanted.single_source, worker) {
            (0, false, _) => None,
            (_, true, 0) => Some((0, 1)),
            (_, true, _) => None,
            (_, false, _) => Some((worker, self.wanted.workers)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Two workers with three ports each that also answer.
    const WANTED: Wanted = Wanted {
        workers: 2,
        local: IpAddr::V4(std::net::Ipv4Addr::LOCALHOST),
        ports: 3,
        single_source: false,
        answer: true,
        listen: None,
    };

    #[test]
    fn each_worker_has_callers_and_one_callee() {
        let (layout, sockets) = Layout::bind(WANTED).unwrap();
        assert_eq!(sockets.iter().map(Vec::len).collect::<Vec<_>>(), [4, 4]);
        assert_eq!(layout.source_ports(), 6);
        assert_eq!(layout.calling(1), Some((1, 2)));
        for (worker, own) in sockets.iter().enumerate() {
            assert_eq!(layout.caller_sockets(worker), [SocketId(0), SocketId(1), SocketId(2)]);
            assert_eq!(layout.callee_socket(worker), Some(SocketId(3)));
            assert_eq!(layout.callee_addresses[worker], own[3].address());
        }
    }

    #[test]
    fn a_single_source_is_one_port_of_all() {
        let wanted = Wanted { single_source: true, ..WANTED };
        let (layout, sockets) = Layout::bind(wanted).unwrap();
        assert_eq!(sockets.iter().map(Vec::len).collect::<Vec<_>>(), [2, 1]);
        assert_eq!(layout.source_ports(), 1);
        assert_eq!((layout.calling(0), layout.calling(1)), (Some((0, 1)), None));
        assert_eq!(layout.callee_socket(1), Some(SocketId(0)));
    }

    #[test]
    fn who_only_answers_shares_one_address_and_has_one_of_its_own() {
        let listen = "127.0.0.1:0".parse().ok();
        let wanted = Wanted { ports: 0, listen, ..WANTED };
        let (layout, sockets) = Layout::bind(wanted).unwrap();
        assert_eq!(layout.calling(0), None);
        for own in &sockets {
            assert_eq!(own.len(), 2);
            assert_eq!(Some(own[1].address()), layout.listen);
            assert_ne!(own[0].address(), own[1].address());
        }
    }
}
