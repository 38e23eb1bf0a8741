//! What is told of a certificate: read from its DER, of which no more is looked at than this.

use std::fmt::Write as _;

use crate::connections::CertificateFacts;

impl CertificateFacts {
    /// Reads a certificate (RFC 5280 §4.1); none if it is none.
    #[must_use]
    pub fn parse(der: &[u8]) -> Option<Self> {
        let mut certificate = Der(Der(der).expect(SEQUENCE)?);
        let mut fields = Der(certificate.expect(SEQUENCE)?);
        let (mut tag, mut value) = fields.next()?;
        if tag == VERSION {
            (tag, value) = fields.next()?;
        }
        if tag != INTEGER {
            return None;
        }
        let serial = value.iter().fold(String::new(), |mut text, byte| {
            // A string takes all that is written to it.
            let _ = write!(text, "{byte:02x}");
            text
        });
        fields.expect(SEQUENCE)?;
        let issuer = common_name(fields.expect(SEQUENCE)?);
        let mut validity = Der(fields.expect(SEQUENCE)?);
        let not_before_seconds = seconds(validity.next()?)?;
        let not_after_seconds = seconds(validity.next()?)?;
        let subject = common_name(fields.expect(SEQUENCE)?);
        Some(Self { subject, issuer, serial, not_before_seconds, not_after_seconds })
    }
}

/// Tags (ITU-T X.690 §8.1.2).
const INTEGER: u8 = 0x02;
const OBJECT_IDENTIFIER: u8 = 0x06;
const UTC_TIME: u8 = 0x17;
const GENERALIZED_TIME: u8 = 0x18;
const SEQUENCE: u8 = 0x30;
const SET: u8 = 0x31;
const VERSION: u8 = 0xa0;

/// `id-at-commonName`, 2.5.4.3.
const COMMON_NAME: &[u8] = &[0x55, 0x04, 0x03];

/// Values that follow each other.
struct Der<'d>(&'d [u8]);

impl<'d> Der<'d> {
    /// Tag and content of the next value.
    fn next(&mut self) -> Option<(u8, &'d [u8])> {
        let (&[tag, short], rest) = self.0.split_first_chunk()?;
        let (length, rest) = match short {
            0..=0x7f => (usize::from(short), rest),
            // Certificates are shorter than 16 MiB.
            0x81..=0x83 => {
                let (digits, rest) = rest.split_at_checked(usize::from(short & 0x7f))?;
                (digits.iter().fold(0, |sum, digit| sum << 8 | usize::from(*digit)), rest)
            }
            _ => return None,
        };
        let (content, rest) = rest.split_at_checked(length)?;
        self.0 = rest;
        Some((tag, content))
    }

    /// The content of the next value, if it has this tag.
    fn expect(&mut self, tag: u8) -> Option<&'d [u8]> {
        self.next().filter(|(found, _)| *found == tag).map(|(_, content)| content)
    }
}

/// The last common name of a distinguished name; empty if it has none.
fn common_name(name: &[u8]) -> String {
    let mut found = String::new();
    let mut parts = Der(name);
    while let Some(part) = parts.expect(SET) {
        let mut pairs = Der(part);
        while let Some(pair) = pairs.expect(SEQUENCE) {
            let mut pair = Der(pair);
            if pair.expect(OBJECT_IDENTIFIER) == Some(COMMON_NAME)
                && let Some((_, text)) = pair.next()
            {
                found = String::from_utf8_lossy(text).into_owned();
            }
        }
    }
    found
}

/// The seconds since 1970 of a point of time (RFC 5280 §4.1.2.5); 0 before that.
fn seconds((tag, text): (u8, &[u8])) -> Option<u64> {
    let text = std::str::from_utf8(text).ok()?.strip_suffix('Z')?;
    let (year, rest) = match tag {
        UTC_TIME => {
            let (year, rest) = text.split_at_checked(2)?;
            let year: u64 = year.parse().ok()?;
            (if year < 50 { 2000 + year } else { 1900 + year }, rest)
        }
        GENERALIZED_TIME => {
            let (year, rest) = text.split_at_checked(4)?;
            (year.parse().ok()?, rest)
        }
        _ => return None,
    };
    if rest.len() != 10 || !rest.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let part = |at: usize| rest.get(at..at + 2)?.parse::<u64>().ok();
    let (month, day) = (part(0)?, part(2)?);
    if !(1..=12).contains(&month) || !(1..=31).contains(&day) {
        return None;
    }
    let clock = part(4)? * 3_600 + part(6)? * 60 + part(8)?;
    Some((days(year, month, day) * 86_400 + clock).saturating_sub(DAYS_TO_1970 * 86_400))
}

/// Days from 1 March of the year 0 to a day. Years begin with March here, so that a leap day is
/// the last one of its year.
const fn days(year: u64, month: u64, day: u64) -> u64 {
    let year = if month > 2 { year } else { year.saturating_sub(1) };
    let month = (month + 9) % 12;
    year * 365 + year / 4 - year / 100 + year / 400 + (month * 153 + 2) / 5 + day - 1
}

/// [`days`] of 1 January 1970.
const DAYS_TO_1970: u64 = 719_468;

#[cfg(test)]
mod tests {
    use super::super::testing::Maker;
    use super::*;

    #[test]
    fn name_issuer_and_times_of_a_certificate_are_read() {
        let maker = Maker::new("Test Authority");
        let made = maker.certificate("sip.example.com", &["sip.example.com"]);
        let facts = CertificateFacts::parse(&made.der).unwrap();
        assert_eq!((&*facts.subject, &*facts.issuer), ("sip.example.com", "Test Authority"));
        // rcgen's own default times.
        assert_eq!(facts.not_before_seconds, 157_766_400, "1975-01-01");
        assert_eq!(facts.not_after_seconds, 67_090_118_400, "4096-01-01");
        assert!(!facts.serial.is_empty());
    }

    #[test]
    fn times_are_read_in_both_forms() {
        for (tag, text, expected) in [
            (UTC_TIME, "700101000000Z", Some(0)),
            (UTC_TIME, "691231235959Z", Some(0)),
            (UTC_TIME, "491231235959Z", Some(2_524_607_999)),
            (GENERALIZED_TIME, "20240229120000Z", Some(1_709_208_000)),
            (GENERALIZED_TIME, "20000301000000Z", Some(951_868_800)),
            (GENERALIZED_TIME, "20241301000000Z", None),
            (GENERALIZED_TIME, "20240229120000", None),
            (UTC_TIME, "24é22912000Z", None),
            (INTEGER, "20240229120000Z", None),
        ] {
            assert_eq!(seconds((tag, text.as_bytes())), expected, "{text}");
        }
    }

    #[test]
    fn what_is_cut_off_or_changed_is_none_and_never_a_panic() {
        let maker = Maker::new("Test Authority");
        let made = maker.certificate("a", &["a.example.com"]);
        for length in 0..made.der.len() {
            assert_eq!(CertificateFacts::parse(&made.der[..length]), None, "{length}");
        }
        for place in 0..made.der.len() {
            for byte in [0, 0x7f, 0x80, 0x83, 0xff] {
                let mut changed = made.der.clone();
                changed[place] = byte;
                let _ = CertificateFacts::parse(&changed);
            }
        }
    }
}
