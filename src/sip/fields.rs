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
    /// Those of the start line and of all fields: that of a field lies one behind its position.
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

    /// Where the first field starts, of which there must be one.
    #[inline]
    pub(super) const fn start(&self) -> usize {
        self.fronts[0] as u16 as usize
    }

    /// How many there are.
    #[inline]
    pub(super) const fn count(&self) -> usize {
        self.count
    }

    /// Adds a field behind the others, if there is room for it.
    pub(super) fn push(&mut self, span: HeaderSpan) -> Result<(), ParseError> {
        let begun = self.count;
        if begun >= HEADER_COUNT_MAX {
            return Err(ParseError::TooManyHeaders);
        }
        self.begin(begun, span.name(), span.front);
        self.end(begun + 1, span.back);
        self.count += 1;
        Ok(())
    }

    /// Notes the start of one more field than have `begun`, which are fewer than
    /// [`HEADER_COUNT_MAX`]. It is not counted yet.
    #[inline]
    pub(super) fn begin(&mut self, begun: usize, name: HeaderName, front: u64) {
        self.fronts[begun % (1 << u8::BITS)] = front;
        let first = &mut self.first[name as usize];
        if *first != NONE {
            rarely();
            self.repeated |= 1 << name as u8;
        } else {
            *first = begun as u8;
        }
    }

    /// Notes the end of the last one of the fields that have `begun`, or of the start line if none
    /// has.
    #[inline]
    pub(super) fn end(&mut self, begun: usize, back: u32) {
        self.backs[begun % (1 << u8::BITS)] = back;
    }

    /// Counts that many fields.
    #[inline]
    pub(super) const fn set_count(&mut self, count: usize) {
        self.count = count;
    }

    /// Forgets the last one of the fields that have `begun`, of which only the start is noted;
    /// where that was.
    #[cold]
    #[inline(never)]
    pub(super) fn drop_begun(&mut self, begun: usize) -> usize {
        self.count = begun;
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
        HeaderSpan {
            front: self.fronts[position],
            back: self.backs[(position + 1) % (1 << u8::BITS)],
        }
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

/// Tells the compiler that what calls this is rare.
#[cold]
#[inline]
pub(super) const fn rarely() {}

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

    /// The message from the value on, and how long that is.
    #[inline]
    pub(super) fn rest(self, bytes: &[u8]) -> (&[u8], usize) {
        let (start, end) = self.value_offsets();
        (&bytes[start..], end - start)
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
