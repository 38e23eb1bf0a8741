//! Processes: knowing that one has ended, and ending all that one has started.

#![expect(unsafe_code, reason = "the standard library has neither of these calls")]

use std::io;
use std::os::fd::{FromRawFd, OwnedFd};

/// A file descriptor that is readable once the process `pid`, a child of this one that has not
/// been waited for, has ended. It is closed in programs that are started from here.
///
/// # Errors
///
/// As `pidfd_open`, which is there since Linux 5.3.
pub fn watch_process(pid: u32) -> io::Result<OwnedFd> {
    // Why: the end of a thousand commands has to be waited for together with their output.
    // SAFETY: the call has no pointers; its arguments are numbers as it wants them.
    let descriptor = unsafe { libc::syscall(libc::SYS_pidfd_open, libc::c_long::from(pid), 0) };
    if descriptor < 0 {
        return Err(io::Error::last_os_error());
    }
    let descriptor = i32::try_from(descriptor).map_err(io::Error::other)?;
    // SAFETY: the kernel has just made it, so nobody else owns it.
    Ok(unsafe { OwnedFd::from_raw_fd(descriptor) })
}

/// Kills all processes of the group `group`, whose first process is a child of this one that has
/// not been waited for: so the number cannot mean another group by now.
///
/// # Errors
///
/// As `kill`; `ESRCH` if all have ended.
pub fn kill_group(group: u32) -> io::Result<()> {
    let group = i32::try_from(group).map_err(io::Error::other)?;
    if group <= 1 {
        // These mean this process's own group, or all processes.
        return Err(io::Error::from(io::ErrorKind::InvalidInput));
    }
    // Why: the standard library kills the one process only, and not what it has started.
    // SAFETY: the call has no pointers.
    let result = unsafe { libc::kill(-group, libc::SIGKILL) };
    if result == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
}

#[cfg(test)]
mod tests {
    use std::os::unix::process::{CommandExt, ExitStatusExt};
    use std::process::{Command, Stdio};

    use super::*;

    #[test]
    fn a_group_is_killed_and_its_end_is_seen() {
        let mut command = Command::new("/bin/sh");
        command.args(["-c", "cat; exit 3"]).stdin(Stdio::piped()).process_group(0);
        let mut child = command.spawn().unwrap();
        let watch = watch_process(child.id()).unwrap();
        kill_group(child.id()).unwrap();
        let mut poll = mio::Poll::new().unwrap();
        let descriptor = std::os::fd::AsRawFd::as_raw_fd(&watch);
        let mut source = mio::unix::SourceFd(&descriptor);
        let interest = mio::Interest::READABLE;
        poll.registry().register(&mut source, mio::Token(0), interest).unwrap();
        let mut events = mio::Events::with_capacity(1);
        while events.is_empty() {
            poll.poll(&mut events, None).unwrap();
        }
        assert_eq!(child.wait().unwrap().signal(), Some(libc::SIGKILL));
    }

    #[test]
    fn numbers_that_mean_other_processes_are_refused() {
        for group in [0, 1, u32::MAX] {
            assert!(kill_group(group).is_err());
        }
    }
}
