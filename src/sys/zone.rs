//! The time zone of the system.

#![expect(unsafe_code, reason = "the standard library knows no time zones")]

use std::ffi::CStr;
use std::mem::MaybeUninit;

/// What the system adds to UTC at that moment (seconds since 1970).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LocalZone<const N: usize> {
    /// Seconds.
    pub offset_seconds: i32,
    /// Whether that is daylight saving time.
    pub saves_daylight: bool,
    /// What people call it, as far as there is room, with zeros behind.
    pub abbreviation: [u8; N],
}

/// The time zone of the system at that moment (seconds since 1970); `None` if it does not know.
#[must_use]
pub fn local_zone<const N: usize>(wall_seconds: u64) -> Option<LocalZone<N>> {
    let seconds = libc::time_t::try_from(wall_seconds).ok()?;
    let mut parts = MaybeUninit::<libc::tm>::uninit();
    // SAFETY: both pointers are valid for the call, which reads the one and fills the other unless
    // it returns null; it may be called from several threads at once.
    let parts = unsafe {
        if libc::localtime_r(&raw const seconds, parts.as_mut_ptr()).is_null() {
            return None;
        }
        parts.assume_init()
    };
    let mut abbreviation = [0; N];
    if !parts.tm_zone.is_null() {
        // SAFETY: the name that the call has given is a string of C that the library keeps; nothing
        // here changes the zone of the process.
        let name = unsafe { CStr::from_ptr(parts.tm_zone) }.to_bytes();
        let length = name.len().min(N);
        abbreviation[..length].copy_from_slice(&name[..length]);
    }
    let offset_seconds = i32::try_from(parts.tm_gmtoff).unwrap_or(0);
    Some(LocalZone { offset_seconds, saves_daylight: parts.tm_isdst > 0, abbreviation })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_zone_is_less_than_a_day_away_and_has_a_name() {
        for seconds in [0, 1_800_000_000] {
            let zone = local_zone::<7>(seconds).unwrap();
            assert!(zone.offset_seconds.unsigned_abs() < 86_400, "{seconds}");
            assert!(zone.abbreviation[0] != 0);
        }
        assert_eq!(local_zone::<7>(u64::MAX), None);
    }
}
