//! Waiting for datagrams, commands and moments.

use std::io;
use std::os::fd::{AsRawFd, OwnedFd};
use std::time::Duration;

use mio::unix::SourceFd;
use mio::{Events, Interest, Poll, Registry, Token, Waker};
use rustix::time::{
    Itimerspec, TimerfdClockId, TimerfdFlags, TimerfdTimerFlags, Timespec, timerfd_create,
    timerfd_settime,
};

use crate::moment::Moment;

/// Waits for events until a moment, precisely: epoll counts in milliseconds, so that a timer of
/// the kernel ends the wait; and where even that is too coarse, epoll is asked without waiting.
#[derive(Debug)]
pub(super) struct Waiter {
    poll: Poll,
    events: Events,
    timer: OwnedFd,
    /// What the timer is set to.
    armed: Option<Moment>,
}

/// The token of the timer.
const TIMER: Token = Token(usize::MAX);

/// The token of the waker.
const WAKER: Token = Token(usize::MAX - 1);

/// A wait shorter than this is spent asking: a timer ends late by about as much.
const SPIN: Duration = Duration::from_micros(60);

/// Events taken at once: more than a worker has sockets.
const EVENTS: usize = 256;

impl Waiter {
    /// A waiter, and what ends its waits from another thread.
    ///
    /// # Errors
    ///
    /// As `epoll_create`, `eventfd` and `timerfd_create`.
    pub(super) fn new() -> io::Result<(Self, Waker)> {
        let poll = Poll::new()?;
        let flags = TimerfdFlags::NONBLOCK | TimerfdFlags::CLOEXEC;
        let timer = timerfd_create(TimerfdClockId::Monotonic, flags)?;
        poll.registry().register(&mut SourceFd(&timer.as_raw_fd()), TIMER, Interest::READABLE)?;
        let waker = Waker::new(poll.registry(), WAKER)?;
        Ok((Self { poll, events: Events::with_capacity(EVENTS), timer, armed: None }, waker))
    }

    /// Where sockets are registered; their tokens are their positions.
    #[must_use]
    pub(super) fn registry(&self) -> &Registry {
        self.poll.registry()
    }

    /// Waits until something happens, but not beyond `until`.
    ///
    /// # Errors
    ///
    /// As `epoll_wait` and `timerfd_settime`.
    pub(super) fn wait(&mut self, now: Moment, until: Moment) -> io::Result<()> {
        let left = until.since(now);
        let timeout = if left < SPIN {
            Some(Duration::ZERO)
        } else {
            self.arm(until, left)?;
            None
        };
        match self.poll.poll(&mut self.events, timeout) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {
                self.events.clear();
                Ok(())
            }
            result => result,
        }
    }

    /// Sets the timer, unless it is set to that moment already.
    fn arm(&mut self, until: Moment, left: Duration) -> io::Result<()> {
        if self.armed != Some(until) {
            let value = Timespec {
                tv_sec: i64::try_from(left.as_secs()).unwrap_or(i64::MAX),
                tv_nsec: i64::from(left.subsec_nanos()),
            };
            let never = Timespec { tv_sec: 0, tv_nsec: 0 };
            let spec = Itimerspec { it_interval: never, it_value: value };
            timerfd_settime(&self.timer, TimerfdTimerFlags::empty(), &spec)?;
            self.armed = Some(until);
        }
        Ok(())
    }

    /// Whether another thread ended the wait.
    #[must_use]
    pub(super) fn woken(&self) -> bool {
        self.events.iter().any(|event| event.token() == WAKER)
    }

    /// Positions of sockets where something has arrived.
    pub(super) fn ready(&self) -> impl Iterator<Item = usize> + '_ {
        let sockets = self.events.iter().filter(|event| event.token().0 < WAKER.0);
        sockets.filter(|event| event.is_readable() || event.is_error()).map(|event| event.token().0)
    }
}

#[cfg(test)]
mod tests {
    use std::net::UdpSocket;

    use super::*;
    use crate::clock::Clock;
    use crate::worker::socket::Socket;

    #[test]
    fn a_wait_ends_at_its_moment_and_not_before() {
        let clock = Clock::start();
        let (mut waiter, _waker) = Waiter::new().unwrap();
        for micros in [0, 30, 500, 3_000] {
            let now = clock.now();
            let until = now + Duration::from_micros(micros);
            while clock.now() < until {
                waiter.wait(clock.now(), until).unwrap();
            }
            assert_eq!(waiter.ready().count(), 0);
            assert!(!waiter.woken());
        }
    }

    #[test]
    fn a_datagram_and_a_waker_end_a_wait() {
        let clock = Clock::start();
        let (mut waiter, waker) = Waiter::new().unwrap();
        let mut socket = Socket::bind("127.0.0.1:0".parse().unwrap()).unwrap();
        socket.register(waiter.registry(), Token(3)).unwrap();
        let peer = UdpSocket::bind("127.0.0.1:0").unwrap();
        peer.send_to(b"x", socket.address()).unwrap();
        let far = clock.now() + Duration::from_secs(3_600);
        waiter.wait(clock.now(), far).unwrap();
        assert_eq!(waiter.ready().collect::<Vec<_>>(), [3]);
        assert!(!waiter.woken());
        waker.wake().unwrap();
        waiter.wait(clock.now(), far).unwrap();
        assert!(waiter.woken());
    }
}
