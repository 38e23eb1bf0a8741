//! The header fields of a message, read line by line (RFC 3261 §7.3).

use super::fields::{Fields, HeaderSpan, back, front};
use super::header::Spelling;
use super::index::line_end;
use super::octet::{are_token, host_prefix_len, skip_space, trim_end};
use super::scan::{STRETCH, find, stretch_marks};
use super::{HeaderName, ParseError};
use crate::limits::HEADER_COUNT_MAX;

/// Notes the header fields behind the start line that `bytes` start with for as long as they are
/// plain. Where they end, if there are any: where the blank line starts, almost always.
#[inline]
pub(super) fn read_from_top(bytes: &[u8], fields: &mut Fields) -> Option<usize> {
    let end = match fields_while::<false>(bytes, 0, 0, fields) {
        Stop::Before(start) => start,
        Stop::Within(origin) => last_fields(bytes, origin, fields),
    };
    (fields.count() > 0).then_some(end)
}

/// Where the blank line behind the header fields starts, and where the body does. If a field is
/// wrong: where it starts, and what is wrong.
pub(super) type HeadEnd = Result<(usize, usize), (usize, ParseError)>;

/// Notes all header fields from the line on that starts at `start`, which need not be plain.
#[inline(never)]
pub(super) fn read_fields(bytes: &[u8], start: usize, fields: &mut Fields) -> HeadEnd {
    // Where one name is not spelled as those that are known, there are more of its kind.
    let mut start = plain_fields(bytes, start - 1, fields);
    loop {
        if is_fold(bytes, start)
            && let Some(folded) = fields.pop()
        {
            // It looked as if it were whole.
            start = folded.start();
        }
        let found = bytes.get(start..).and_then(|rest| find(rest, b'\n'));
        let feed = start + found.ok_or((start, ParseError::Unterminated))?;
        if line_end(bytes, start, feed) == start {
            return Ok((start, feed + 1));
        }
        let last = odd_field(bytes, start, feed, fields).map_err(|error| (start, error))?;
        start = plain_fields(bytes, last, fields);
    }
}

/// Notes the header field in any line, which starts at `start` and whose line feed is at `feed`,
/// and in those that continue it; the last line feed of it.
fn odd_field(
    bytes: &[u8],
    start: usize,
    feed: usize,
    fields: &mut Fields,
) -> Result<usize, ParseError> {
    let mut feed = feed;
    while is_fold(bytes, feed + 1) {
        feed += 1 + find(&bytes[feed + 1..], b'\n').ok_or(ParseError::Unterminated)?;
    }
    fields.push(any_field(bytes, start, line_end(bytes, start, feed), feed)?)?;
    Ok(feed)
}

/// Whether the line that starts at `start` continues the one before it (RFC 3261 §7.3.1).
#[inline]
fn is_fold(bytes: &[u8], start: usize) -> bool {
    matches!(bytes.get(start), Some(b' ' | b'\t'))
}

/// The header field in `bytes[start..end]`, whose line break ends at `feed`.
fn any_field(
    bytes: &[u8],
    start: usize,
    end: usize,
    feed: usize,
) -> Result<HeaderSpan, ParseError> {
    let text = &bytes[start..end];
    let colon = find(text, b':').ok_or(ParseError::HeaderLine)?;
    let mut name_end = colon;
    while name_end > 0 && matches!(text[name_end - 1], b' ' | b'\t') {
        name_end -= 1;
    }
    let name = &text[..name_end];
    if name.is_empty() || !are_token(name) {
        return Err(ParseError::HeaderLine);
    }
    let value_start = text.len() - skip_space(&text[colon + 1..]).len();
    let value_end = value_start + trim_end(&text[value_start..]).len();
    let name = HeaderName::parse(name);
    let front = front(name, [0, name_end, value_start].map(|offset| start + offset));
    Ok(HeaderSpan::new(front, back([start + value_end, feed + 1])))
}

/// Octets before a stretch: those before its first one, if that is a line feed.
const BEFORE: usize = 2;

/// A stretch in which line feeds are looked for, with what is looked at around one: the end of the
/// line and the start of the next one.
const WINDOW: usize = BEFORE + STRETCH + Spelling::AHEAD;

/// Notes header fields from behind the line feed at `feed` on for as long as they are plain: a name
/// with a colon and a space or none behind it, a value on one line with no more white space around
/// it, and CRLF. The start of the line behind them. Lines that continue another are not looked for.
#[inline(never)]
fn plain_fields(bytes: &[u8], feed: usize, fields: &mut Fields) -> usize {
    let start = feed + 1;
    let Some(origin) = start.checked_sub(BEFORE) else { return start };
    let line = bytes.get(start..).unwrap_or_default();
    let begun = fields.count();
    if begun >= HEADER_COUNT_MAX
        || !begin::<true>(line.first_chunk(), line, feed as u64 * EACH, (begun, fields))
    {
        return start;
    }
    match fields_while::<true>(bytes, origin, begun + 1, fields) {
        Stop::Before(start) => start,
        Stop::Within(origin) => last_fields(bytes, origin, fields),
    }
}

/// Where the fields end that are plain.
enum Stop {
    /// Before the line that starts there.
    Before(usize),
    /// Within the line of the last one of those that have begun: there is no window at that place.
    Within(usize),
}

/// Goes on from `origin`, within the last one of the fields that have `begun` or within the start
/// line, for as long as fields are plain. Their names are spelled as those that are known, with a
/// space, or also not where that is asked for: a second form of the loop, so that the first need
/// not keep for a call what it has in registers.
#[inline(always)]
fn fields_while<const OR_ANY: bool>(
    bytes: &[u8],
    origin: usize,
    begun: usize,
    fields: &mut Fields,
) -> Stop {
    let (mut stretch, mut begun) = (origin + BEFORE, begun);
    let mut rest = bytes.get(origin..).unwrap_or_default();
    while let Some(window) = rest.first_chunk() {
        match fields_in::<OR_ANY>(window, bytes, stretch, begun, fields) {
            Ok(next) => begun = next,
            Err(start) => return Stop::Before(start),
        }
        stretch += STRETCH;
        rest = &rest[STRETCH..];
    }
    fields.set_count(begun);
    Stop::Within(stretch - BEFORE)
}

/// As [`fields_while`], of the lines for which there is no whole window; of those that have begun
/// all are counted.
#[inline(never)]
fn last_fields(bytes: &[u8], origin: usize, fields: &mut Fields) -> usize {
    let mut begun = fields.count();
    let mut room = [0; 2 * WINDOW];
    if let Some(last) = bytes.last_chunk::<WINDOW>() {
        room[..WINDOW].copy_from_slice(last);
        let before = bytes.len() - WINDOW;
        let mut origin = origin;
        while origin + BEFORE < bytes.len()
            && let Some(window) = room.get(origin - before..).and_then(<[u8]>::first_chunk)
        {
            match fields_in::<false>(window, bytes, origin + BEFORE, begun, fields) {
                Ok(next) => begun = next,
                Err(start) => return start,
            }
            origin += STRETCH;
        }
    }
    fields.drop_begun(begun)
}

/// What a number is multiplied by to have it in each 16 bits.
const EACH: u64 = 0x0001_0001_0001;

/// Notes the start of the field in a line that starts with `ahead`, behind those that have begun.
/// False if it is not plain.
#[inline(always)]
fn begin<const OR_ANY: bool>(
    ahead: Option<&[u8; Spelling::AHEAD]>,
    line: &[u8],
    offsets: u64,
    (begun, fields): (usize, &mut Fields),
) -> bool {
    let found = match ahead.and_then(Spelling::ahead) {
        Some(spelling) => Some((spelling.name(), spelling.front())),
        None if OR_ANY => any_name(line),
        None => None,
    };
    found.is_some_and(|(name, front)| {
        fields.begin(begun, name, offsets + front);
        true
    })
}

/// Notes what ends and starts at the line feeds of `window`, whose stretch is at `stretch`: how
/// many fields have begun then. Else the start of the line that is not plain.
#[inline(always)]
fn fields_in<const OR_ANY: bool>(
    window: &[u8; WINDOW],
    bytes: &[u8],
    stretch: usize,
    begun: usize,
    fields: &mut Fields,
) -> Result<usize, usize> {
    let mut begun = begun;
    let mut feeds = feeds_of(window);
    while feeds != 0 {
        let place = feeds.trailing_zeros() as usize % STRETCH;
        if begun >= HEADER_COUNT_MAX {
            return Err(fields.drop_begun(begun));
        }
        let [last, cr] = [window[place], window[place + 1]];
        if cr != b'\r' || last <= b' ' {
            return Err(fields.drop_begun(begun));
        }
        let offsets = (stretch + place) as u64 * EACH;
        fields.end(begun, (offsets + 0xffff) as u32);
        let line = place + BEFORE + 1;
        let ahead = window[line..line + Spelling::AHEAD].first_chunk();
        let start = || usize::from(offsets as u16) + 1;
        let rest = if OR_ANY { bytes.get(start()..).unwrap_or_default() } else { &[] };
        if !begin::<OR_ANY>(ahead, rest, offsets, (begun, fields)) {
            fields.set_count(begun);
            return Err(start());
        }
        begun += 1;
        feeds &= feeds - 1;
    }
    Ok(begun)
}

/// The name that `line` starts with, with a colon right behind it, a space or none and a value; and
/// the front of its field, for a line feed at 0 before the line.
#[inline(never)]
fn any_name(line: &[u8]) -> Option<(HeaderName, u64)> {
    // Names are made of what host names are made of, all but very few.
    let length = host_prefix_len(line);
    let (b':', behind) = line.get(length..)?.split_first()? else { return None };
    let value = length + 1 + usize::from(*behind.first()? == b' ');
    let is_plain = length > 0 && *line.get(value)? > b' ';
    is_plain.then(|| {
        let name = HeaderName::parse_start(line, length);
        (name, front(name, [1, length + 1, value + 1]))
    })
}

/// The line feeds in the stretch of a window: a bit for each octet, the lowest for the first.
#[inline]
fn feeds_of(window: &[u8; WINDOW]) -> u64 {
    window[BEFORE..BEFORE + STRETCH]
        .first_chunk()
        .map_or(0, |stretch| stretch_marks(stretch, b'\n'))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// As [`read_fields`], but each line is taken for an odd one.
    fn read_one_by_one(bytes: &[u8], feed: usize, fields: &mut Fields) -> HeadEnd {
        let mut start = feed + 1;
        loop {
            let found = find(&bytes[start..], b'\n').ok_or((start, ParseError::Unterminated))?;
            let feed = start + found;
            if line_end(bytes, start, feed) == start {
                return Ok((start, feed + 1));
            }
            let last = odd_field(bytes, start, feed, fields).map_err(|error| (start, error))?;
            start = last + 1;
        }
    }

    /// As [`read_fields`], of the line behind `feed`, but from the start line on where that can be.
    fn read_all(bytes: &[u8], feed: usize, fields: &mut Fields) -> HeadEnd {
        let has_start = !matches!(bytes[0], b'\r' | b'\n');
        match has_start.then(|| read_from_top(bytes, fields)).flatten() {
            Some(end) => {
                assert_eq!(fields.start(), feed + 1);
                read_fields(bytes, end, fields)
            }
            None => read_fields(bytes, feed + 1, fields),
        }
    }

    /// As [`read_fields`], of the line behind `feed`.
    fn read_behind(bytes: &[u8], feed: usize, fields: &mut Fields) -> HeadEnd {
        read_fields(bytes, feed + 1, fields)
    }

    /// What is read of `text`, which has a start line, one way and the others.
    fn each(text: &str) -> [String; 3] {
        let feed = text.find('\n').unwrap();
        [read_all, read_behind, read_one_by_one].map(|read| {
            let mut fields = Fields::default();
            let result = read(text.as_bytes(), feed, &mut fields);
            let first = HeaderName::ALL.map(|name| fields.first(name));
            let all: Vec<_> = fields.all().collect();
            format!("{result:?} {all:?} {first:?} {}", fields.repeated())
        })
    }

    proptest! {
        #[test]
        fn plain_header_fields_are_read_as_odd_ones(
            start in proptest::sample::select(&["A sip:a SIP/2.0\r\n", "\n", "ab \n"][..]),
            pieces in proptest::collection::vec(
                proptest::sample::select(&[
                    "Via: a\r\n", "v: b\r\n", "To: c\r\n", "From:f\r\n", "To : g\r\n",
                    "cSEQ: 1 A\r\n", "Content-Length: 0\r\n", "Content-Encoding: h\r\n",
                    "X-Any: i\r\n", "Remote-Party-ID: j\r\n", "Subject:\r\n", "Subject: \r\n",
                    "Route: k \r\n", " fold\r\n", "\t\r\n", "Call-ID: l\n", "\r\n",
                    "m", " ", ":", "\r", "\n", "Contact: 0123456789012345678901234567890\r\n",
                    "Record-Route: <sip:0123456789012345678901234567890123456789012345678>\r\n",
                    "User-Agent: 0123456789012345678901234567890123456789", "é", "Via: \r\n",
                    "Content-Type: 0123456789/012345678901234567890123456\r\n", "\0",
                ][..]),
                0..16,
            ),
            behind in 0_usize..100,
        ) {
            let text = start.to_owned() + &pieces.concat() + &"\r\n0123".repeat(behind)[..behind];
            let [all, plain, odd] = each(&text);
            prop_assert_eq!(&all, &odd);
            prop_assert_eq!(plain, odd);
        }
    }

    #[test]
    fn a_line_feed_is_found_wherever_it_is() {
        for length in 0..300 {
            for behind in [0, 1, 60, 70, 100, 200] {
                let long = "x".repeat(length);
                let body = "y".repeat(behind);
                let text = format!("A a SIP/2.0\r\nVia: {long}a\r\nTo: b\r\nl: 0\r\n\r\n{body}");
                let [all, plain, odd] = each(&text);
                assert_eq!(all, odd, "{length} {behind}");
                assert_eq!(plain, odd, "{length} {behind}");
            }
        }
    }

    #[test]
    fn a_field_whose_continuation_does_not_end_is_not_noted() {
        let text = b"\nTo: a\r\nContent-Length: 0\r\nTo: b\r\n ";
        let mut fields = Fields::default();
        let result = read_fields(text, 1, &mut fields);
        assert_eq!(result, Err((27, ParseError::Unterminated)));
        assert_eq!((fields.count(), fields.repeated()), (2, 0));
        assert!(fields.first(HeaderName::To).is_some());
    }
}
