//! Where the header fields of a message are.

use super::octet::{leading_number, number};
use super::{HeaderName, ParseError};
use crate::limits::HEADER_COUNT_MAX;

/// Where the header fields of a message are, top to bottom.
///
/// What is known of a field lies in a table each, at the field's position: so none has to be
/// calculated from it. The tables are as long as can be numbered in an octet.
#[derive(Debug)]
pub(super) struct Fields {
    fronts: [u64; 1 << u8::BITS],
    backs: [u32; 1 << u8::BITS],
    count: usize,
    /// Position of the first field of each name; [`NONE`] if there is none.
    first: [u8; HeaderName::COUNT],
    /// A bit for each name of which there are several fields.
    repeated: u64,
}

/// In [`Fields::first`]: no such field.
const NONE: u8 = u8::MAX;

const _: () = assert!(HEADER_COUNT_MAX <= NONE as usize, "positions of fields are u8");
const _: () = assert!(HeaderName::COUNT <= 64, "Fields::repeated has a bit for each name");

impl Default for Fields {
    fn default() -> Self {
        Self {
            fronts: [0; 1 << u8::BITS],
            backs: [0; 1 << u8::BITS],
            count: 0,
            first: [NONE; HeaderName::COUNT],
            repeated: 0,
        }
    }
}

impl Fields {
    /// Forgets all fields.
    #[inline]
    pub(super) fn clear(&mut self) {
        self.count = 0;
        self.first = [NONE; HeaderName::COUNT];
        self.repeated = 0;
    }

    /// How many there are.
    #[inline]
    pub(super) const fn count(&self) -> usize {
        self.count
    }

    /// Adds a field behind the others, if there is room for it.
    pub(super) fn push(&mut self, span: HeaderSpan) -> Result<(), ParseError> {
        if !self.begin(self.count, span.name(), span.front) {
            return Err(ParseError::TooManyHeaders);
        }
        self.end(self.count, span.back);
        self.count += 1;
        Ok(())
    }

    /// Notes the start of the field at `position`, which is not counted yet. False if there is no
    /// room for it.
    #[inline]
    pub(super) fn begin(&mut self, position: usize, name: HeaderName, front: u64) -> bool {
        if position >= HEADER_COUNT_MAX {
            return false;
        }
        self.fronts[position] = front;
        let first = &mut self.first[name as usize];
        if *first == NONE {
            *first = position as u8;
        } else {
            self.repeated |= 1 << name as u8;
        }
        true
    }

    /// Notes the end of the field at `position`.
    #[inline]
    pub(super) fn end(&mut self, position: usize, back: u32) {
        self.backs[position % (1 << u8::BITS)] = back;
    }

    /// Counts the fields before `position`, of which the start and the end are noted.
    #[inline]
    pub(super) const fn set_count(&mut self, position: usize) {
        self.count = position;
    }

    /// Forgets the field at `position`, of which only the start is noted; where that was.
    #[cold]
    pub(super) fn drop_begun(&mut self, position: usize) -> usize {
        self.count = position + 1;
        self.pop().map_or(0, HeaderSpan::start)
    }

    /// Takes the last field off.
    pub(super) fn pop(&mut self) -> Option<HeaderSpan> {
        let last = self.count.checked_sub(1)?;
        let span = self.at(last);
        self.count = last;
        let name = span.name();
        if usize::from(self.first[name as usize]) == last {
            self.first[name as usize] = NONE;
        }
        if self.of(name).count() < 2 {
            self.repeated &= !(1 << name as u8);
        }
        Some(span)
    }

    /// The field at `position`.
    #[inline]
    fn at(&self, position: usize) -> HeaderSpan {
        let position = position % (1 << u8::BITS);
        HeaderSpan { front: self.fronts[position], back: self.backs[position] }
    }

    /// The first field of that name.
    #[inline]
    pub(super) fn first(&self, name: HeaderName) -> Option<HeaderSpan> {
        let first = self.first[name as usize];
        (first != NONE).then(|| self.at(first.into()))
    }

    /// All fields of that name.
    #[inline]
    pub(super) fn of(&self, name: HeaderName) -> impl Iterator<Item = HeaderSpan> + use<'_> {
        let first = usize::from(self.first[name as usize]);
        let spans = (first..self.count).map(|at| self.at(at));
        spans.filter(move |span| span.number() == name as u8)
    }

    /// All fields.
    pub(super) fn all(&self) -> impl Iterator<Item = HeaderSpan> + use<'_> {
        (0..self.count).map(|at| self.at(at))
    }

    /// A bit for each name of which there are several fields, by its number.
    #[inline]
    pub(super) const fn repeated(&self) -> u64 {
        self.repeated
    }
}

/// Where one header field is: offsets in the datagram.
#[derive(Clone, Copy, Debug)]
pub(super) struct HeaderSpan {
    /// As [`front`] makes it.
    front: u64,
    /// As [`back`] makes it. The value is without surrounding white space; folds are kept.
    back: u32,
}

impl HeaderSpan {
    /// A field with that [`front`] and [`back`].
    pub(super) const fn new(front: u64, back: u32) -> Self {
        Self { front, back }
    }

    /// The number of its name.
    #[inline]
    const fn number(self) -> u8 {
        (self.front >> 48) as u8
    }

    /// Its name.
    #[inline]
    pub(super) fn name(self) -> HeaderName {
        HeaderName::ALL.get(usize::from(self.number())).copied().unwrap_or(HeaderName::Other)
    }

    /// Where the line starts.
    #[inline]
    pub(super) const fn start(self) -> usize {
        self.front as u16 as usize
    }

    /// The name as it stands.
    #[inline]
    pub(super) fn name_text(self, bytes: &[u8]) -> &[u8] {
        &bytes[self.start()..usize::from((self.front >> 16) as u16)]
    }

    /// All of it, from the name to the end of the line break.
    #[inline]
    pub(super) fn line(self, bytes: &[u8]) -> &[u8] {
        &bytes[self.start()..(self.back >> 16) as usize]
    }

    /// Where the value starts and where it ends.
    #[inline]
    const fn value_offsets(self) -> (usize, usize) {
        ((self.front >> 32) as u16 as usize, self.back as u16 as usize)
    }

    /// The value.
    #[inline]
    pub(super) fn value(self, bytes: &[u8]) -> &[u8] {
        let (start, end) = self.value_offsets();
        &bytes[start..end]
    }

    /// The octets from the value on, and how long it is; `None` if there are not so many.
    #[inline]
    pub(super) fn ahead<const COUNT: usize>(self, bytes: &[u8]) -> Option<(&[u8; COUNT], usize)> {
        let (start, end) = self.value_offsets();
        let ahead = bytes.get(start..start + COUNT)?.first_chunk()?;
        Some((ahead, end - start))
    }

    /// The decimal number that the value is, up to 32 bits.
    #[inline]
    pub(super) fn decimal(self, bytes: &[u8]) -> Option<u32> {
        match self.ahead(bytes).and_then(|(ahead, length)| Some((leading_number(*ahead)?, length)))
        {
            Some(((number, digits), length)) if digits == length => Some(number),
            _ => number(self.value(bytes)),
        }
    }
}

/// Where a line and the name in it start, where the name ends, where the value starts, and the
/// number of the name: 16 bits each, the lowest first. No datagram is longer than they can say.
#[inline]
pub(super) const fn front(name: HeaderName, offsets: [usize; 3]) -> u64 {
    let [start, name_end, value_start] = offsets;
    start as u64 | (name_end as u64) << 16 | (value_start as u64) << 32 | (name as u64) << 48
}

/// Where a value ends, and behind that, where the line ends, its line break included: 16 bits each.
#[inline]
pub(super) const fn back([value_end, line_end]: [usize; 2]) -> u32 {
    value_end as u32 | (line_end as u32) << 16
}
