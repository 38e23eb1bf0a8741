//! Processes of the shell: starting one, knowing that one has ended, and ending all that one has
//! started.

#![expect(unsafe_code, reason = "the standard library does not offer what is needed here")]

use std::collections::BTreeMap;
use std::env;
use std::ffi::{CString, OsStr, OsString};
use std::io;
use std::mem::MaybeUninit;
use std::os::fd::{AsRawFd, BorrowedFd, FromRawFd, OwnedFd, RawFd};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::os::unix::process::ExitStatusExt;
use std::process::ExitStatus;
use std::ptr;

/// Has the shell run `line`, in a process group of its own, with these standard streams and with
/// `environment` beside the environment of this process; its number. It is a child to be waited
/// for.
///
/// # Errors
///
/// As `posix_spawn`; `InvalidInput` if there is a NUL in one of the texts.
pub fn start_shell(
    line: &[u8],
    environment: &[(Vec<u8>, Vec<u8>)],
    input: BorrowedFd<'_>,
    output: BorrowedFd<'_>,
) -> io::Result<u32> {
    let line = CString::new(line)?;
    let arguments = [c"sh".as_ptr(), c"-c".as_ptr(), line.as_ptr(), ptr::null()];
    let variables = all_variables(environment)?;
    let variables = variables.iter().map(|variable| variable.as_ptr());
    let variables: Vec<_> = variables.chain([ptr::null()]).collect();
    let attributes = Attributes::new()?;
    let streams = Streams::new([input, output])?;
    let mut pid = 0;
    // Why: the signals that this process has blocked would be so in what the standard library
    // starts, unless it copies the memory map of the whole server for each command.
    // SAFETY: the lists end with null and point to texts that live through the call, as do the
    // attributes and actions, which are initialised; nothing of them is written to.
    let error = unsafe {
        libc::posix_spawn(
            &raw mut pid,
            c"/bin/sh".as_ptr(),
            &raw const streams.0,
            &raw const attributes.0,
            arguments.as_ptr().cast(),
            variables.as_ptr().cast(),
        )
    };
    succeeded(error)?;
    u32::try_from(pid).map_err(io::Error::other)
}

/// The environment of this process and what comes to it, as `NAME=value`.
fn all_variables(more: &[(Vec<u8>, Vec<u8>)]) -> io::Result<Vec<CString>> {
    let own = |bytes: &[u8]| OsStr::from_bytes(bytes).to_owned();
    let mut variables: BTreeMap<OsString, OsString> = env::vars_os().collect();
    variables.extend(more.iter().map(|(name, value)| (own(name), own(value))));
    let text = |(name, value): (OsString, OsString)| {
        let mut text = name.into_vec();
        text.push(b'=');
        text.extend_from_slice(value.as_bytes());
        CString::new(text).map_err(io::Error::from)
    };
    variables.into_iter().map(text).collect()
}

/// The status of a child, once it has ended; with `wait`, at its end. It is asked for no more
/// then.
///
/// # Errors
///
/// As `waitpid`.
pub fn exit_status(pid: u32, wait: bool) -> io::Result<Option<ExitStatus>> {
    let pid = i32::try_from(pid).map_err(io::Error::other)?;
    let flags = if wait { 0 } else { libc::WNOHANG };
    let mut status = 0;
    // SAFETY: the pointer is to a number that lives through the call.
    match unsafe { libc::waitpid(pid, &raw mut status, flags) } {
        0 => Ok(None),
        result if result > 0 => Ok(Some(ExitStatus::from_raw(status))),
        _ => Err(io::Error::last_os_error()),
    }
}

/// How a process starts: no signal is blocked, none that is ignored here is so there, and it is
/// the first of its group.
struct Attributes(libc::posix_spawnattr_t);

impl Attributes {
    /// These attributes.
    fn new() -> io::Result<Self> {
        let mut attributes = MaybeUninit::uninit();
        // SAFETY: the call initialises what it is given.
        succeeded(unsafe { libc::posix_spawnattr_init(attributes.as_mut_ptr()) })?;
        // SAFETY: it has succeeded.
        let mut attributes = Self(unsafe { attributes.assume_init() });
        let this = &raw mut attributes.0;
        let flags = libc::POSIX_SPAWN_SETPGROUP
            | libc::POSIX_SPAWN_SETSIGMASK
            | libc::POSIX_SPAWN_SETSIGDEF;
        let flags = i16::try_from(flags).map_err(io::Error::other)?;
        let (none, ignored) = (signals(&[]), signals(&[libc::SIGPIPE, libc::SIGHUP]));
        // SAFETY: the attributes are initialised, the sets live through the calls.
        unsafe {
            succeeded(libc::posix_spawnattr_setflags(this, flags))?;
            succeeded(libc::posix_spawnattr_setpgroup(this, 0))?;
            succeeded(libc::posix_spawnattr_setsigmask(this, &raw const none))?;
            succeeded(libc::posix_spawnattr_setsigdefault(this, &raw const ignored))?;
        }
        Ok(attributes)
    }
}

impl Drop for Attributes {
    fn drop(&mut self) {
        // SAFETY: they were initialised, and are not used again.
        unsafe { libc::posix_spawnattr_destroy(&raw mut self.0) };
    }
}

/// A set of signals.
fn signals(numbers: &[i32]) -> libc::sigset_t {
    let mut set = MaybeUninit::uninit();
    // SAFETY: `sigemptyset` initialises the set; `sigaddset` gets that.
    unsafe {
        libc::sigemptyset(set.as_mut_ptr());
        for number in numbers {
            libc::sigaddset(set.as_mut_ptr(), *number);
        }
        set.assume_init()
    }
}

/// The standard streams that a process starts with.
struct Streams(libc::posix_spawn_file_actions_t);

impl Streams {
    /// Standard input and output, in this order.
    fn new(streams: [BorrowedFd<'_>; 2]) -> io::Result<Self> {
        let mut actions = MaybeUninit::uninit();
        // SAFETY: the call initialises what it is given.
        succeeded(unsafe { libc::posix_spawn_file_actions_init(actions.as_mut_ptr()) })?;
        // SAFETY: it has succeeded.
        let mut actions = Self(unsafe { actions.assume_init() });
        for (number, stream) in (0..).zip(streams) {
            let from: RawFd = stream.as_raw_fd();
            // SAFETY: the actions are initialised; the descriptor is a number.
            let error =
                unsafe { libc::posix_spawn_file_actions_adddup2(&raw mut actions.0, from, number) };
            succeeded(error)?;
        }
        Ok(actions)
    }
}

impl Drop for Streams {
    fn drop(&mut self) {
        // SAFETY: they were initialised, and are not used again.
        unsafe { libc::posix_spawn_file_actions_destroy(&raw mut self.0) };
    }
}

/// The result of a call that returns its error.
fn succeeded(error: i32) -> io::Result<()> {
    if error == 0 { Ok(()) } else { Err(io::Error::from_raw_os_error(error)) }
}

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
    use std::fs::File;
    use std::io::{PipeReader, Read, pipe};
    use std::os::fd::AsFd;

    use super::*;

    /// Starts a shell that reads nothing; what it writes.
    fn start(line: &str, environment: &[(Vec<u8>, Vec<u8>)]) -> (u32, PipeReader) {
        let null = File::open("/dev/null").unwrap();
        let (reader, writer) = pipe().unwrap();
        let pid = start_shell(line.as_bytes(), environment, null.as_fd(), writer.as_fd());
        (pid.unwrap(), reader)
    }

    #[test]
    fn a_shell_has_its_streams_and_an_environment_of_both() {
        let more = [(b"A".to_vec(), b"x y".to_vec()), (b"PATH".to_vec(), b"none".to_vec())];
        let (pid, mut reader) = start("echo \"$A $PATH\"; read line; echo $?; exit 7", &more);
        let mut text = String::new();
        reader.read_to_string(&mut text).unwrap();
        assert_eq!(text, "x y none\n1\n");
        assert_eq!(exit_status(pid, true).unwrap().unwrap().code(), Some(7));
        assert!(exit_status(pid, false).is_err(), "it is asked for once");
    }

    #[test]
    fn no_signal_is_blocked_or_ignored_that_is_so_here() {
        super::super::block_signals().unwrap();
        let line = "exec grep -E 'Sig(Blk|Ign):' /proc/self/status";
        let (pid, mut reader) = start(line, &[]);
        let mut text = String::new();
        reader.read_to_string(&mut text).unwrap();
        let mask = |name| {
            let line = text.lines().find(|line| line.starts_with(name)).unwrap();
            u64::from_str_radix(line.split_whitespace().last().unwrap(), 16).unwrap()
        };
        let bit = |signal: i32| 1 << (signal - 1);
        assert_eq!(mask("SigBlk"), 0);
        assert_eq!(mask("SigIgn") & (bit(libc::SIGHUP) | bit(libc::SIGPIPE)), 0);
        assert!(exit_status(pid, true).unwrap().unwrap().success());
    }

    #[test]
    fn texts_with_a_nul_are_refused() {
        let null = File::open("/dev/null").unwrap();
        let start = |line: &[u8], value: &[u8]| {
            let environment = [(b"A".to_vec(), value.to_vec())];
            start_shell(line, &environment, null.as_fd(), null.as_fd()).map_err(|it| it.kind())
        };
        assert_eq!(start(b"a\0b", b""), Err(io::ErrorKind::InvalidInput));
        assert_eq!(start(b"true", b"\0"), Err(io::ErrorKind::InvalidInput));
    }

    #[test]
    fn a_group_is_killed_and_its_end_is_seen() {
        let (pid, mut reader) = start("cat /dev/zero > /dev/null & echo; wait", &[]);
        reader.read_exact(&mut [0]).unwrap();
        assert!(exit_status(pid, false).unwrap().is_none());
        let watch = watch_process(pid).unwrap();
        kill_group(pid).unwrap();
        let mut poll = mio::Poll::new().unwrap();
        let descriptor = watch.as_raw_fd();
        let mut source = mio::unix::SourceFd(&descriptor);
        let interest = mio::Interest::READABLE;
        poll.registry().register(&mut source, mio::Token(0), interest).unwrap();
        let mut events = mio::Events::with_capacity(1);
        while events.is_empty() {
            poll.poll(&mut events, None).unwrap();
        }
        assert_eq!(exit_status(pid, true).unwrap().unwrap().signal(), Some(libc::SIGKILL));
        assert_eq!(reader.read(&mut [0]).unwrap(), 0, "nobody is left who could write");
    }

    #[test]
    fn numbers_that_mean_other_processes_are_refused() {
        for group in [0, 1, u32::MAX] {
            assert!(kill_group(group).is_err());
        }
    }
}
