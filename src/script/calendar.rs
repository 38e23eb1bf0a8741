//! Dates and times of day, and how people have them written.

use bumpalo::collections::Vec as ArenaVec;

use super::Digits;
use crate::time::Zone;

/// A moment as people name it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DateTime {
    /// The year.
    pub year: u64,
    /// The month, 1 to 12.
    pub month: u8,
    /// The day of the month, from 1.
    pub day: u8,
    /// The hour, 0 to 23.
    pub hour: u8,
    /// The minute.
    pub minute: u8,
    /// The second.
    pub second: u8,
    /// The day of the week, 0 for Sunday.
    pub weekday: u8,
    /// The day of the year, from 0.
    pub year_day: u16,
    /// The time zone that all this is in.
    pub zone: Zone,
    /// Seconds since 1970-01-01 00:00 UTC.
    pub seconds: u64,
}

impl DateTime {
    /// The moment that many seconds after 1970-01-01 00:00 UTC, in a time zone.
    #[must_use]
    pub const fn local(seconds: u64, zone: Zone) -> Self {
        let shown = seconds.saturating_add_signed(zone.offset_seconds as i64);
        Self { zone, seconds, ..Self::of(shown) }
    }

    /// The moment that many seconds after 1970-01-01, in UTC. Years are counted from March, so that
    /// the day that a leap year adds is the last one.
    #[must_use]
    #[expect(clippy::cast_possible_truncation, reason = "remainders are small")]
    pub const fn of(seconds: u64) -> Self {
        let (days, of_day) = (seconds / 86_400, seconds % 86_400);
        let shifted = days + 719_468;
        let (era, of_era) = (shifted / 146_097, shifted % 146_097);
        let from_march_year = (of_era - of_era / 1_460 + of_era / 36_524 - of_era / 146_096) / 365;
        let from_march =
            of_era - (365 * from_march_year + from_march_year / 4 - from_march_year / 100);
        let march_month = (5 * from_march + 2) / 153;
        let month = if march_month < 10 { march_month + 3 } else { march_month - 9 };
        let year = era * 400 + from_march_year + (month <= 2) as u64;
        let is_leap =
            year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400));
        let to_march = 59 + is_leap as u64;
        let year_day = if month <= 2 { from_march - 306 } else { from_march + to_march };
        Self {
            year,
            month: month as u8,
            day: (from_march - (153 * march_month + 2) / 5 + 1) as u8,
            hour: (of_day / 3_600) as u8,
            minute: (of_day / 60 % 60) as u8,
            second: (of_day % 60) as u8,
            weekday: ((days + 4) % 7) as u8,
            year_day: year_day as u16,
            zone: Zone::UTC,
            seconds,
        }
    }

    /// The seconds since 1970 that a Date is, `Sat, 13 Nov 2010 23:29:00 GMT` (RFC 3261 §20.17);
    /// `None` if it is malformed or before 1970.
    #[must_use]
    pub fn parse_date(text: &[u8]) -> Option<u64> {
        let text = std::str::from_utf8(text).ok()?;
        let mut words = text.split_ascii_whitespace();
        let _weekday = words.next()?.strip_suffix(',')?;
        let day: u64 = words.next()?.parse().ok()?;
        let month = words.next()?;
        let month = MONTHS.iter().position(|name| name[..3].eq_ignore_ascii_case(month))?;
        let year: u64 = words.next()?.parse().ok().filter(|year| (1970..=9999).contains(year))?;
        let mut time = words.next()?.split(':').map(|part| part.parse::<u64>().ok());
        let (hour, minute, second) = (time.next()??, time.next()??, time.next()??);
        let is_good = (1..=31).contains(&day) && hour < 24 && minute < 60 && second < 61;
        if words.next()? != "GMT" || words.next().is_some() || time.next().is_some() || !is_good {
            return None;
        }
        // Years are counted from March here too.
        let month = u64::try_from(month).ok()? + 1;
        let from_march = if month > 2 { month - 3 } else { month + 9 };
        let year = if month > 2 { year } else { year - 1 };
        let days = 365 * year + year / 4 - year / 100 + year / 400 + (153 * from_march + 2) / 5;
        let days = (days + day - 1).checked_sub(719_468)?;
        Some(days * 86_400 + hour * 3_600 + minute * 60 + second)
    }

    /// The day of the week, in English.
    #[must_use]
    pub fn weekday_name(&self) -> &'static str {
        WEEKDAYS[usize::from(self.weekday) % 7]
    }

    /// The month, in English.
    #[must_use]
    pub fn month_name(&self) -> &'static str {
        MONTHS[usize::from(self.month.wrapping_sub(1)) % 12]
    }

    /// Writes the moment as `format` says, in the manner of `strftime`; what is no specifier
    /// stays as it is. False, and not all is written, beyond `length_max` bytes.
    pub fn write(&self, format: &[u8], length_max: usize, out: &mut ArenaVec<'_, u8>) -> bool {
        let mut rest = format;
        while let [byte, behind @ ..] = rest {
            rest = behind;
            match (byte, behind) {
                (b'%', [specifier, behind @ ..]) => {
                    rest = behind;
                    self.write_one(*specifier, length_max, out);
                }
                _ => out.push(*byte),
            }
            if out.len() > length_max {
                return false;
            }
        }
        true
    }

    /// Writes what one specifier stands for.
    fn write_one(&self, specifier: u8, length_max: usize, out: &mut ArenaVec<'_, u8>) {
        let composed: &[u8] = match specifier {
            b'c' => b"%a %b %e %H:%M:%S %Y",
            b'D' | b'x' => b"%m/%d/%y",
            b'F' => b"%Y-%m-%d",
            b'R' => b"%H:%M",
            b'r' => b"%I:%M:%S %p",
            b'T' | b'X' => b"%H:%M:%S",
            _ => b"",
        };
        if !composed.is_empty() {
            self.write(composed, length_max, out);
            return;
        }
        let hour_of_12 = (self.hour + 11) % 12 + 1;
        match specifier {
            b'A' => out.extend_from_slice_copy(self.weekday_name().as_bytes()),
            b'a' => out.extend_from_slice_copy(&self.weekday_name().as_bytes()[..3]),
            b'B' => out.extend_from_slice_copy(self.month_name().as_bytes()),
            b'b' | b'h' => out.extend_from_slice_copy(&self.month_name().as_bytes()[..3]),
            b'C' => pad(self.year / 100, 2, b'0', out),
            b'd' => pad(self.day.into(), 2, b'0', out),
            b'e' => pad(self.day.into(), 2, b' ', out),
            b'H' => pad(self.hour.into(), 2, b'0', out),
            b'I' => pad(hour_of_12.into(), 2, b'0', out),
            b'j' => pad(u64::from(self.year_day) + 1, 3, b'0', out),
            b'k' => pad(self.hour.into(), 2, b' ', out),
            b'M' => pad(self.minute.into(), 2, b'0', out),
            b'm' => pad(self.month.into(), 2, b'0', out),
            b'n' => out.push(b'\n'),
            b'p' => out.extend_from_slice_copy(if self.hour < 12 { b"AM" } else { b"PM" }),
            b'S' => pad(self.second.into(), 2, b'0', out),
            b't' => out.push(b'\t'),
            b'u' => pad(if self.weekday == 0 { 7 } else { self.weekday.into() }, 1, b'0', out),
            b'w' => pad(self.weekday.into(), 1, b'0', out),
            b'Y' => pad(self.year, 1, b'0', out),
            b'y' => pad(self.year % 100, 2, b'0', out),
            b'Z' => out.extend_from_slice_copy(self.zone.name()),
            b'z' => {
                let minutes = u64::from(self.zone.offset_seconds.unsigned_abs()) / 60;
                out.push(if self.zone.offset_seconds < 0 { b'-' } else { b'+' });
                pad(minutes / 60 * 100 + minutes % 60, 4, b'0', out);
            }
            b's' => pad(self.seconds, 1, b'0', out),
            b'%' => out.push(b'%'),
            other => out.extend_from_slice_copy(&[b'%', other]),
        }
    }
}

/// Writes a number with at least `width` digits.
fn pad(number: u64, width: usize, filler: u8, out: &mut ArenaVec<'_, u8>) {
    let digits = Digits::new(i64::try_from(number).unwrap_or(i64::MAX));
    for _ in digits.as_bytes().len()..width {
        out.push(filler);
    }
    out.extend_from_slice_copy(digits.as_bytes());
}

/// The days of the week.
const WEEKDAYS: [&str; 7] =
    ["Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"];

/// The months of the year.
const MONTHS: [&str; 12] = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_have_their_dates() {
        for (day, date, year_day) in [
            (0, (1970, 1, 1), 0),
            (58, (1970, 2, 28), 58),
            (59, (1970, 3, 1), 59),
            (11_016, (2000, 2, 29), 59),
            (11_017, (2000, 3, 1), 60),
            (14_926, (2010, 11, 13), 316),
            (20_000, (2024, 10, 4), 277),
            (20_088, (2024, 12, 31), 365),
            (47_541, (2100, 3, 1), 59),
        ] {
            let found = DateTime::of(day * 86_400 + 3_661);
            assert_eq!((found.year, found.month, found.day), date, "{day}");
            assert_eq!(found.year_day, year_day, "{day}");
            assert_eq!((found.hour, found.minute, found.second), (1, 1, 1), "{day}");
        }
        let _ = DateTime::of(u64::MAX);
    }

    #[test]
    fn dates_are_read() {
        for (text, seconds) in [
            ("Sat, 13 Nov 2010 23:29:00 GMT", Some(1_289_690_940)),
            ("Thu, 01 Jan 1970 00:00:00 GMT", Some(0)),
            ("Tue, 29 Feb 2000 00:00:00 GMT", Some(951_782_400)),
            ("Wed, 01 Mar 2000 00:00:01 GMT", Some(951_868_801)),
            ("Sat, 13 Nov 2010 23:29:00 CET", None),
            ("Sat, 13 Nov 1969 23:29:00 GMT", None),
            ("Sat, 13 Nov 2010 24:29:00 GMT", None),
            ("Sat, 13 Nov 2010 23:29 GMT", None),
            ("13 Nov 2010 23:29:00 GMT", None),
            ("Sat, 99999999999999999999 Nov 2010 23:29:00 GMT", None),
            ("", None),
        ] {
            assert_eq!(DateTime::parse_date(text.as_bytes()), seconds, "{text}");
        }
    }

    #[test]
    fn moments_are_written_as_asked() {
        let arena = bumpalo::Bump::new();
        let moment = DateTime::of(1_289_690_940);
        for (format, expected) in [
            ("%Y-%m-%d %H:%M:%S", "2010-11-13 23:29:00"),
            ("%F %T|%D|%R|%r", "2010-11-13 23:29:00|11/13/10|23:29|11:29:00 PM"),
            ("%a %A %b %B %e %j %u %w", "Sat Saturday Nov November 13 317 6 6"),
            ("%c", "Sat Nov 13 23:29:00 2010"),
            ("100%% %Q %Z%z%", "100% %Q UTC+0000%"),
        ] {
            let mut out = ArenaVec::new_in(&arena);
            assert!(moment.write(format.as_bytes(), 100, &mut out));
            assert_eq!(String::from_utf8_lossy(&out), expected);
        }
        let mut out = ArenaVec::new_in(&arena);
        assert!(!moment.write(&b"%c".repeat(1_000), 100, &mut out));
        assert!(out.len() < 200);
    }
}
