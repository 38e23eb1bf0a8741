//! Signals, waited for like any other event.

#![expect(unsafe_code, reason = "the standard library has no interface to signals")]

use std::io;
use std::mem::MaybeUninit;
use std::ptr;

/// A signal that the server acts on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Signal {
    /// `SIGHUP`: read the script again.
    Reload,
    /// `SIGTERM` or `SIGINT`: end cleanly.
    Stop,
}

/// Keeps `SIGHUP`, `SIGTERM` and `SIGINT` for [`wait_for_signal`], in this thread and in all that
/// it starts from now on.
///
/// # Errors
///
/// As `pthread_sigmask`.
pub fn block_signals() -> io::Result<()> {
    let set = awaited();
    // Why: a signal must not end the process before the workers have sent what they hold.
    // SAFETY: `set` is initialised and only read; the old mask is not asked for.
    let error = unsafe { libc::pthread_sigmask(libc::SIG_BLOCK, &raw const set, ptr::null_mut()) };
    if error == 0 { Ok(()) } else { Err(io::Error::from_raw_os_error(error)) }
}

/// Waits for the next signal that [`block_signals`] kept.
///
/// # Errors
///
/// As `sigwait`.
pub fn wait_for_signal() -> io::Result<Signal> {
    let set = awaited();
    let mut number = 0;
    // Why: the safe alternatives run a handler in the middle of whatever goes on.
    // SAFETY: both pointers are to initialised values that live through the call.
    let error = unsafe { libc::sigwait(&raw const set, &raw mut number) };
    match (error, number) {
        (0, libc::SIGHUP) => Ok(Signal::Reload),
        (0, _) => Ok(Signal::Stop),
        (error, _) => Err(io::Error::from_raw_os_error(error)),
    }
}

/// `SIGHUP`, `SIGTERM` and `SIGINT`.
fn awaited() -> libc::sigset_t {
    let mut set = MaybeUninit::uninit();
    // SAFETY: `sigemptyset` initialises the set; the signals exist, so `sigaddset` succeeds.
    unsafe {
        libc::sigemptyset(set.as_mut_ptr());
        libc::sigaddset(set.as_mut_ptr(), libc::SIGHUP);
        libc::sigaddset(set.as_mut_ptr(), libc::SIGTERM);
        libc::sigaddset(set.as_mut_ptr(), libc::SIGINT);
        set.assume_init()
    }
}
