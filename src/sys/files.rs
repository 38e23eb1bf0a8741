//! How many files this process may have open.

#![expect(unsafe_code, reason = "the limits of a process have no safe interface")]

use std::io;

/// Raises the number of files that this process may have open to `wanted`, as far as it may do so
/// itself; what it is then.
///
/// # Errors
///
/// As `getrlimit` and `setrlimit`.
pub fn raise_open_files(wanted: u64) -> io::Result<u64> {
    let mut limit = libc::rlimit { rlim_cur: 0, rlim_max: 0 };
    // Why: the standard library knows nothing of limits.
    // SAFETY: the pointer is to a value that lives through the call.
    if unsafe { libc::getrlimit(libc::RLIMIT_NOFILE, &raw mut limit) } != 0 {
        return Err(io::Error::last_os_error());
    }
    let raised = wanted.min(limit.rlim_max);
    if raised > limit.rlim_cur {
        limit.rlim_cur = raised;
        // SAFETY: as above; it is only read.
        if unsafe { libc::setrlimit(libc::RLIMIT_NOFILE, &raw const limit) } != 0 {
            return Err(io::Error::last_os_error());
        }
    }
    Ok(limit.rlim_cur)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_raised_as_far_as_may_be_and_never_lowered() {
        let now = raise_open_files(0).unwrap();
        assert!(now > 0);
        assert!(raise_open_files(u64::MAX).unwrap() >= now);
        assert_eq!(raise_open_files(1).unwrap(), raise_open_files(0).unwrap());
    }
}
