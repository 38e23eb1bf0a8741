//! Changes to a message, collected first and then made where it lies.
//!
//! Whatever changes a message, from `record_route()` to `append_hf()`, adds to an [`EditList`].
//! [`EditList::apply`] then cuts the message at the edits into pieces that stay as they are. The
//! longest piece does not move; the others move just as far as the edits between them and it
//! demand. A forwarded INVITE gains a Via on top, so only what stands before that moves, into the
//! headroom of the slot:
//!
//! ```text
//! before   [ headroom            |INVITE sip:bob@example.com SIP/2.0..|Via: ... From: ... body ]
//! after    [ |INVITE sip:bob@192.0.2.9 SIP/2.0..|Via: own..Record-Route: own..|Via: ... body   ]
//! ```
//!
//! Almost all of it is new up to the end of what was the topmost Via, where the request's source is
//! noted: forwarding writes that anew as one edit ([`EditList::begin`]).

mod apply;

use std::ops::Range;

use super::{Pen, Sheet};
use crate::limits::{DATAGRAM_BYTES_MAX, EDIT_BYTES_MAX, EDIT_COUNT_MAX};

/// One change: at offset `at` of the message, `removed` bytes go and `inserted` bytes come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Edit {
    at: u32,
    removed: u32,
    /// Place of the inserted bytes in [`EditList::bytes`].
    inserted_start: u32,
    inserted_length: u32,
}

impl Edit {
    /// Offset behind the removed bytes.
    const fn end(self) -> u32 {
        self.at + self.removed
    }

    /// By how many bytes the message grows.
    const fn delta(self) -> isize {
        self.inserted_length as isize - self.removed as isize
    }
}

/// A change that keeps the length of the message, and touches no other: nothing has to move for it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Overwrite {
    at: usize,
    /// 0 if there is none.
    length: usize,
    bytes: [u8; Self::BYTES_MAX],
}

impl Overwrite {
    /// Bytes that it may have: what a number in a header field has.
    const BYTES_MAX: usize = 8;

    /// The new bytes.
    #[inline]
    fn bytes(&self) -> &[u8] {
        &self.bytes[..self.length]
    }

    /// Writes that part of `message` as it is once this is done; whether it is done there.
    #[inline(always)]
    fn write_between<'b>(
        &self,
        sheet: Sheet<'b>,
        message: &[u8],
        part: Range<usize>,
    ) -> (Sheet<'b>, bool) {
        let place = sheet.end();
        let sheet = sheet.piece::<JOINED_BYTES_MAX>(message, part.start, part.len());
        if self.length == 0 || self.at < part.start || self.end() > part.end {
            return (sheet, false);
        }
        (sheet.over(place + self.at - part.start, self.bytes()), true)
    }

    /// Offset behind the bytes that are overwritten.
    const fn end(self) -> usize {
        self.at + self.length
    }

    /// Whether it starts at `end` or before.
    const fn is_at_or_before(self, end: usize) -> bool {
        self.length > 0 && self.at <= end
    }

    /// Whether an edit of `removed` bytes at `at` touches it.
    const fn touches(self, at: usize, removed: usize) -> bool {
        self.length > 0 && at <= self.end() && at + removed >= self.at
    }
}

/// What [`EditList::begin`] began, once it is written.
#[derive(Clone, Copy, Debug)]
pub struct Beginning {
    /// Bytes that are written, if they fit.
    written: Option<usize>,
    /// Bytes of the message in whose place they come.
    removed: usize,
    /// Whether what the further changes overwrite is among them.
    has_overwritten: bool,
    /// Whether there are no further changes but that.
    is_all: bool,
}

/// Bytes between two edits that are rather inserted anew than kept.
const JOINED_BYTES_MAX: usize = 96;

/// The changes to one message, sorted by place. Its buffers are kept from message to message.
#[derive(Debug, Default)]
pub struct EditList {
    edits: Vec<Edit>,
    /// One that there would otherwise be an edit for.
    overwrite: Overwrite,
    /// What the edits insert, and behind it room.
    bytes: Vec<u8>,
    /// Bytes of it that are used.
    used: usize,
}

impl EditList {
    /// Replaces `removed` bytes at offset `at` of the message as it arrived by `inserted`.
    ///
    /// Insertions at one place stand in the order in which they were made, and before a piece
    /// that is removed from there on. Edits that lie wholly within a piece removed later go with
    /// it; an insertion into a piece removed earlier moves behind it. False, and nothing changes,
    /// if the limits of [`crate::limits`] are reached or two replaced pieces overlap in part.
    #[inline]
    pub fn replace(&mut self, at: usize, removed: usize, inserted: &[u8]) -> bool {
        self.replace_parts(at, removed, &[inserted])
    }

    /// Like [`Self::replace`], with the inserted bytes in several parts.
    #[inline]
    pub fn replace_parts(&mut self, at: usize, removed: usize, inserted: &[&[u8]]) -> bool {
        let length = length_of(inserted);
        (length == removed && self.overwrite(at, length, inserted))
            || self.put(at, removed, Side::Behind, length, |pen| write(inserted, pen))
    }

    /// Replaces the digits at `at` by as many others, as [`Self::replace`] does, if they are behind
    /// all edits and the first that are overwritten. False if not.
    #[inline]
    pub fn overwrite_number(&mut self, at: usize, digits: [u8; 2]) -> bool {
        let has_room = self.has_room_to_overwrite(at, digits.len());
        if has_room {
            self.overwrite.bytes[..digits.len()].copy_from_slice(&digits);
            (self.overwrite.at, self.overwrite.length) = (at, digits.len());
        }
        has_room
    }

    /// Inserts `inserted` at offset `at`.
    pub fn insert(&mut self, at: usize, inserted: &[u8]) -> bool {
        self.replace(at, 0, inserted)
    }

    /// Inserts the parts at offset `at`, before what was inserted there earlier.
    pub fn insert_before(&mut self, at: usize, inserted: &[&[u8]]) -> bool {
        self.insert_before_with(at, length_of(inserted), |pen| write(inserted, pen))
    }

    /// Inserts what `write` writes, at most `room` bytes, at offset `at`, before what was inserted
    /// there earlier.
    pub fn insert_before_with(
        &mut self,
        at: usize,
        room: usize,
        write: impl FnOnce(&mut Pen<'_>),
    ) -> bool {
        self.put(at, 0, Side::Before, room, write)
    }

    /// Removes `removed` bytes at offset `at`. Bytes that an earlier edit has removed stay so.
    #[inline]
    pub fn remove(&mut self, at: usize, removed: usize) -> bool {
        let is_alone = self.edits.is_empty() && !self.overwrite.touches(at, removed);
        if !is_alone || removed == 0 || at + removed > DATAGRAM_BYTES_MAX {
            return self.remove_any(at, removed);
        }
        #[expect(clippy::cast_possible_truncation, reason = "an offset in a datagram")]
        let (at, removed) = (at as u32, removed as u32);
        self.edits.push(Edit { at, removed, inserted_start: 0, inserted_length: 0 });
        true
    }

    /// As [`Self::remove`], beside other changes.
    #[inline(never)]
    fn remove_any(&mut self, at: usize, removed: usize) -> bool {
        self.put(at, removed, Side::Behind, 0, |_| {})
    }

    /// Forgets all changes.
    pub fn clear(&mut self) {
        self.edits.clear();
        self.overwrite = Overwrite::default();
        self.used = 0;
    }

    /// Forgets what was inserted at offset `at`, of that what `is_meant` tells.
    pub fn withdraw(&mut self, at: usize, is_meant: impl Fn(&[u8]) -> bool) {
        let mut edits = std::mem::take(&mut self.edits);
        edits.retain(|edit| {
            edit.at as usize != at || edit.removed > 0 || !is_meant(self.inserted(*edit))
        });
        self.edits = edits;
    }

    /// Makes this list the same as `other`, in the buffers that it has.
    pub fn copy_from(&mut self, other: &Self) {
        self.clear();
        self.overwrite = other.overwrite;
        if !other.edits.is_empty() {
            self.append_edits(other);
        }
    }

    /// Bytes of memory that the changes take.
    #[must_use]
    pub fn size(&self) -> usize {
        size_of::<Overwrite>() + self.edits.len() * size_of::<Edit>() + self.used
    }

    /// Begins to make this list one that puts what is written onto the sheet in place of the first
    /// bytes of the message, and behind them makes the changes of `further`. `None`, and there are
    /// no changes, if one of these is not behind `free`. Of no use until [`Self::finish`] ends it.
    #[inline(always)]
    pub fn begin(&mut self, free: usize, further: &Self) -> Option<Sheet<'_>> {
        let is_behind = further.edits.first().is_none_or(|edit| edit.at as usize > free)
            && !further.overwrite.is_at_or_before(free);
        if !is_behind || free > DATAGRAM_BYTES_MAX {
            self.clear();
            return None;
        }
        if self.bytes.len() < Sheet::BYTES {
            self.grow_for_sheet();
        }
        self.bytes.first_chunk_mut().map(Sheet::new)
    }

    /// Ends what is written onto a sheet in place of the first `removed` bytes of `message`, before
    /// the changes of this list. If the only one of these takes off something not far behind and
    /// before `settled`, what stands before it is written anew, too: an edit costs more to make
    /// than that.
    #[inline(always)]
    #[must_use]
    pub fn end_sheet(
        &self,
        sheet: Sheet<'_>,
        removed: usize,
        (message, settled): (&[u8], usize),
    ) -> Beginning {
        match self.edits[..] {
            [only]
                if only.end() as usize <= settled
                    && only.inserted_length == 0
                    && only.at as usize - removed <= JOINED_BYTES_MAX =>
            {
                let between = removed..only.at as usize;
                let (sheet, has_overwritten) =
                    self.overwrite.write_between(sheet, message, between);
                let (written, removed) = (sheet.written(), only.end() as usize);
                Beginning { written, removed, has_overwritten, is_all: true }
            }
            _ => {
                let is_all = self.edits.is_empty();
                Beginning { written: sheet.written(), removed, has_overwritten: false, is_all }
            }
        }
    }

    /// Finishes what [`Self::begin`] began. False, and there are no changes, if the limits of
    /// [`crate::limits`] or those of a sheet are reached.
    #[inline(always)]
    pub fn finish(&mut self, beginning: Beginning, further: &Self) -> bool {
        let Beginning { written, removed, has_overwritten, is_all } = beginning;
        let Some(length) = written else { return self.give_up() };
        self.overwrite = further.overwrite;
        if has_overwritten {
            self.overwrite.length = 0;
        }
        self.edits.clear();
        #[expect(clippy::cast_possible_truncation, reason = "a sheet and a datagram are shorter")]
        self.edits.push(Edit {
            at: 0,
            removed: removed as u32,
            inserted_start: 0,
            inserted_length: length as u32,
        });
        self.used = length;
        is_all || self.append_edits(further)
    }

    /// Makes room for a sheet.
    #[cold]
    #[inline(never)]
    fn grow_for_sheet(&mut self) {
        self.grow(Sheet::BYTES);
    }

    /// Forgets what was begun.
    #[cold]
    fn give_up(&mut self) -> bool {
        self.clear();
        false
    }

    /// Appends the changes of `further` that are not overwrites, which are all behind those of this
    /// list. False, and there are no changes, if there is no room for them.
    #[inline(never)]
    fn append_edits(&mut self, further: &Self) -> bool {
        let start = self.used;
        let used = start + further.used;
        if self.edits.len() + further.edits.len() > EDIT_COUNT_MAX || used > EDIT_BYTES_MAX {
            return self.give_up();
        }
        self.grow(used);
        self.bytes[start..used].copy_from_slice(&further.bytes[..further.used]);
        self.used = used;
        #[expect(clippy::cast_possible_truncation, reason = "at most EDIT_BYTES_MAX")]
        let start = start as u32;
        let moved = |edit: &Edit| Edit { inserted_start: start + edit.inserted_start, ..*edit };
        self.edits.extend(further.edits.iter().map(moved));
        true
    }

    /// Whether there is one, but for what keeps its place and its length.
    #[inline]
    #[must_use]
    pub const fn is_one(&self) -> bool {
        self.edits.len() == 1
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.edits.is_empty() && self.overwrite.length == 0
    }

    /// Whether some edit removes the byte at `at`.
    #[must_use]
    pub fn removes(&self, at: usize) -> bool {
        (self.overwrite.at..self.overwrite.end()).contains(&at)
            || self.edits.iter().any(|edit| (edit.at as usize..edit.end() as usize).contains(&at))
    }

    /// By how many bytes the part of the message from `start` on grows (negative: shrinks).
    #[inline]
    #[must_use]
    pub fn growth_from(&self, start: usize) -> isize {
        let from_there = self.edits.iter().rev().take_while(|edit| edit.at as usize >= start);
        from_there.map(|edit| edit.delta()).sum()
    }

    /// Appends the changed message to `out`.
    pub fn write_to(&self, message: &[u8], out: &mut Vec<u8>) {
        let start = out.len();
        let mut from = 0;
        for edit in &self.edits {
            out.extend_from_slice(&message[from..edit.at as usize]);
            out.extend_from_slice(self.inserted(*edit));
            from = edit.end() as usize;
        }
        out.extend_from_slice(&message[from..]);
        self.write_over(out, start);
    }

    /// Notes that `inserted` comes in the place of as many bytes at `at`. False if that has to be
    /// an edit as others are.
    #[inline]
    fn overwrite(&mut self, at: usize, length: usize, inserted: &[&[u8]]) -> bool {
        if !self.has_room_to_overwrite(at, length) {
            return false;
        }
        write(inserted, &mut Pen::new(&mut self.overwrite.bytes));
        (self.overwrite.at, self.overwrite.length) = (at, length);
        true
    }

    /// Whether as many bytes at `at` can be overwritten.
    #[inline]
    fn has_room_to_overwrite(&self, at: usize, length: usize) -> bool {
        let is_alone = self.overwrite.length == 0
            && self.edits.last().is_none_or(|last| (last.end() as usize) < at);
        is_alone && length <= Overwrite::BYTES_MAX && at + length <= DATAGRAM_BYTES_MAX
    }

    /// Makes an ordinary edit of what is overwritten, as another one touches it. False if there are
    /// too many.
    #[cold]
    fn settle(&mut self) -> bool {
        let overwrite = std::mem::take(&mut self.overwrite);
        let Overwrite { at, length, .. } = overwrite;
        let is_settled = self.put(at, length, Side::Behind, length, |pen| {
            pen.text(overwrite.bytes());
        });
        if !is_settled {
            self.overwrite = overwrite;
        }
        is_settled
    }

    /// Adds an edit that inserts what `write` writes, at most `room` bytes.
    #[inline]
    fn put(
        &mut self,
        at: usize,
        removed: usize,
        side: Side,
        room: usize,
        write: impl FnOnce(&mut Pen<'_>),
    ) -> bool {
        if self.overwrite.touches(at, removed) && !self.settle() {
            return false;
        }
        let start = self.used;
        let fits = at + removed <= DATAGRAM_BYTES_MAX
            && self.edits.len() < EDIT_COUNT_MAX
            && room <= EDIT_BYTES_MAX - start;
        if !fits {
            return false;
        }
        self.grow(start + room);
        let mut pen = Pen::new(&mut self.bytes[start..start + room]);
        write(&mut pen);
        let Some(length) = pen.written() else { return false };
        #[expect(clippy::cast_possible_truncation, reason = "checked against the limits above")]
        let edit = Edit {
            at: at as u32,
            removed: removed as u32,
            inserted_start: start as u32,
            inserted_length: length as u32,
        };
        let is_put = self.place(edit, side);
        if is_put {
            self.used += length;
        }
        is_put
    }

    /// Makes room for so many bytes, kept for the next messages.
    #[inline]
    fn grow(&mut self, length: usize) {
        if length > self.bytes.len() {
            self.bytes.resize(length.next_power_of_two().max(BYTES_AT_FIRST), 0);
        }
    }

    /// Puts an edit among the others.
    #[inline]
    fn place(&mut self, edit: Edit, side: Side) -> bool {
        if edit.inserted_length == 0 && edit.removed == 0 {
            return true;
        }
        let is_behind = |old: &Edit| old.end() <= edit.at && !side.is_before(edit.at, old);
        if self.edits.last().is_none_or(is_behind) {
            self.edits.push(edit);
            return true;
        }
        self.place_between(edit, side)
    }

    /// As [`Self::place`], for an edit that is not behind all others.
    #[inline(never)]
    fn place_between(&mut self, edit: Edit, side: Side) -> bool {
        let index = self.edits.iter().position(|old| side.is_before(edit.at, old));
        let index = index.unwrap_or(self.edits.len());
        // The edits are sorted and do not overlap: the last one before the place reaches furthest.
        let (before, behind) = self.edits.split_at(index);
        if before.last().is_some_and(|old| edit.at < old.end())
            || behind.first().is_some_and(|old| old.at < edit.end())
        {
            return self.place_over(edit, side, index);
        }
        self.edits.insert(index, edit);
        true
    }

    /// As [`Self::place`], for an edit that touches pieces which others remove.
    #[cold]
    fn place_over(&mut self, mut edit: Edit, side: Side, mut index: usize) -> bool {
        let length = edit.inserted_length;
        if let Some(around) = self.edits.get(index.wrapping_sub(1)).copied()
            && edit.at < around.end()
        {
            // Within a piece that is gone already.
            if edit.removed > 0 {
                return edit.end() <= around.end() && length == 0;
            }
            edit.at = around.end();
            let place = self.edits.iter().position(|old| side.is_before(edit.at, old));
            index = place.unwrap_or(self.edits.len());
        }
        let covered = self.edits[index..].iter().take_while(|old| old.at < edit.end()).count();
        if let Some(last) = self.edits[index..index + covered].last()
            && last.end() > edit.end()
        {
            return last.at <= edit.at && length == 0;
        }
        if covered == 0 {
            self.edits.insert(index, edit);
        } else {
            self.edits[index] = edit;
            self.edits.drain(index + 1..index + covered);
        }
        true
    }

    /// The bytes that `edit` inserts.
    fn inserted(&self, edit: Edit) -> &[u8] {
        let start = edit.inserted_start as usize;
        &self.bytes[start..start + edit.inserted_length as usize]
    }
}

/// Bytes that a list has room for as soon as it inserts any: for what scripts insert.
const BYTES_AT_FIRST: usize = 1_024;

/// Length of the parts together.
#[inline]
fn length_of(parts: &[&[u8]]) -> usize {
    parts.iter().map(|part| part.len()).sum()
}

/// Writes the parts.
#[inline]
fn write(parts: &[&[u8]], pen: &mut Pen<'_>) {
    for part in parts {
        pen.text(part);
    }
}

/// On which side of what was inserted at the same place earlier an edit stands.
#[derive(Clone, Copy)]
enum Side {
    Before,
    Behind,
}

impl Side {
    /// Whether a new edit at `at` stands before `old`.
    #[inline]
    const fn is_before(self, at: u32, old: &Edit) -> bool {
        match self {
            Self::Before => old.at >= at,
            Self::Behind => old.at > at || (old.at == at && old.removed > 0),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::collection::{btree_map, vec as bytes_of};
    use proptest::prelude::*;

    use super::*;

    /// Any bytes, that many.
    fn bytes(count: Range<usize>) -> impl Strategy<Value = Vec<u8>> {
        bytes_of(any::<u8>(), count)
    }

    /// The message in a buffer with room on both sides, after `apply`.
    fn applied(list: &EditList, message: &[u8], head: usize, tail: usize) -> Option<Vec<u8>> {
        let mut buffer = vec![b'-'; head];
        buffer.extend_from_slice(message);
        buffer.resize(head + message.len() + tail, b'-');
        let range = list.apply(&mut buffer, head..head + message.len())?;
        Some(buffer[range].to_vec())
    }

    fn written(list: &EditList, message: &[u8]) -> Vec<u8> {
        let mut out = Vec::new();
        list.write_to(message, &mut out);
        out
    }

    /// Whether `list` begins with `text` in place of the first bytes of the message.
    fn begins(
        list: &mut EditList,
        [removed, free]: [usize; 2],
        (further, settled): (&EditList, usize),
        message: &[u8],
        text: &[u8],
    ) -> bool {
        let Some(sheet) = list.begin(free, further) else { return false };
        let beginning = further.end_sheet(sheet.text(text), removed, (message, settled));
        list.finish(beginning, further)
    }

    #[test]
    fn insertions_at_one_place_keep_their_order() {
        let mut list = EditList::default();
        assert!(list.insert(1, b"B"));
        assert!(list.insert(1, b"C"));
        assert!(list.insert_before(1, &[b"A"]));
        assert_eq!(applied(&list, b"xy", 8, 0).unwrap(), b"xABCy");
    }

    #[test]
    fn an_insertion_stands_before_the_piece_removed_there() {
        let mut list = EditList::default();
        assert!(list.replace(1, 2, b"NEW"));
        assert!(list.insert(1, b"<"));
        assert!(list.insert(3, b">"));
        assert_eq!(applied(&list, b"a12b", 8, 8).unwrap(), b"a<NEW>b");
    }

    #[test]
    fn a_removal_swallows_the_edits_within_it() {
        let mut list = EditList::default();
        assert!(list.replace(2, 1, b"xx"));
        assert!(list.insert(4, b"yy"));
        assert!(list.remove(1, 5));
        assert!(list.remove(2, 2), "already removed");
        assert!(list.insert(3, b"Z"), "moves behind the removed piece");
        assert_eq!(applied(&list, b"0123456", 8, 8).unwrap(), b"0Z6");
    }

    #[test]
    fn replaced_pieces_that_overlap_in_part_are_refused() {
        let mut list = EditList::default();
        assert!(list.replace(2, 3, b"x"));
        assert!(!list.replace(1, 2, b"y"));
        assert!(!list.replace(4, 4, b"y"));
        assert!(!list.replace(3, 1, b"y"));
        assert_eq!(written(&list, b"0123456"), b"01x56");
    }

    #[test]
    fn without_room_on_one_side_the_message_moves_to_the_other() {
        let mut list = EditList::default();
        assert!(list.insert(1, b"++++"));
        assert_eq!(applied(&list, b"abcdef", 0, 4).unwrap(), b"a++++bcdef");
        assert_eq!(applied(&list, b"abcdef", 4, 0).unwrap(), b"a++++bcdef");
        assert_eq!(applied(&list, b"abcdef", 3, 3), None);
    }

    #[test]
    fn a_later_edit_finds_what_was_overwritten() {
        let mut list = EditList::default();
        assert!(list.replace(4, 2, b"69"));
        assert!(list.removes(5) && !list.removes(3) && !list.removes(6) && !list.is_empty());
        assert!(!list.replace(3, 2, b"xyz"), "overlaps in part");
        assert!(list.insert(4, b"<"));
        assert!(list.insert(6, b">"));
        assert!(list.replace(1, 1, b"B"));
        assert_eq!(applied(&list, b"abcd70ef", 8, 8).unwrap(), b"aBcd<69>ef");
        assert!(list.remove(3, 4));
        assert_eq!(applied(&list, b"abcd70ef", 8, 8).unwrap(), b"aBcf");
    }

    #[test]
    fn a_new_beginning_stands_before_the_other_changes() {
        let mut further = EditList::default();
        assert!(further.replace(5, 2, b"69"));
        let mut list = EditList::default();
        let mut begin = |removed, further: &EditList| {
            let message = b"abcd 70 ef";
            let is_begun = begins(&mut list, [removed; 2], (further, 10), message, b"NEW");
            is_begun.then(|| applied(&list, message, 8, 8).unwrap())
        };
        assert_eq!(begin(4, &further).unwrap(), b"NEW 69 ef");
        assert_eq!(begin(5, &further), None);
        assert!(further.insert(8, b"12"));
        assert_eq!(begin(2, &further).unwrap(), b"NEWcd 69 12ef");
        assert!(further.insert(2, b"x"));
        assert_eq!(begin(2, &further), None);
        assert_eq!(begin(1, &further).unwrap(), b"NEWbxcd 69 12ef");
    }

    #[test]
    fn a_removal_not_far_behind_an_edit_is_joined_with_it() {
        let message = b"abcd70ef12gh";
        let mut further = EditList::default();
        assert!(further.replace(4, 2, b"69"));
        assert!(further.remove(8, 2));
        let mut list = EditList::default();
        assert!(begins(&mut list, [2, 3], (&further, 10), message, b"NEW"));
        assert_eq!(list.edits.len(), 1);
        assert!(list.overwrite.length == 0 && list.removes(4) && list.removes(9));
        assert_eq!(applied(&list, message, 8, 8).unwrap(), b"NEWcd69efgh");
    }

    #[test]
    fn what_is_too_long_for_a_sheet_does_not_begin() {
        let mut list = EditList::default();
        let long = [b'x'; Sheet::WRITTEN_MAX + 1];
        assert!(list.insert(1, b"b"));
        let none = EditList::default();
        assert!(!begins(&mut list, [1, 1], (&none, 3), b"abc", &long));
        assert!(list.is_empty());
    }

    #[test]
    fn an_edit_of_equal_length_moves_nothing() {
        let mut list = EditList::default();
        assert!(list.replace(2, 2, b"69"));
        assert_eq!(applied(&list, b"a 70 b", 0, 0).unwrap(), b"a 69 b");
    }

    proptest! {
        #[test]
        fn applying_in_place_equals_writing_anew(
            message in bytes(0..200),
            edits in bytes_of(
                (0_usize..220, 0_usize..40, bytes(0..12), any::<bool>()),
                0..12,
            ),
            head in 0_usize..200,
            tail in 0_usize..200,
        ) {
            let mut list = EditList::default();
            let mut plain = EditList::default();
            for (at, removed, inserted, before) in &edits {
                let at = (*at).min(message.len());
                // A third of them keep the length.
                let removed = if removed % 3 == 0 { inserted.len() } else { *removed };
                let removed = removed.min(message.len() - at);
                let (done, expected) = if *before {
                    (list.insert_before(at, &[inserted]), plain.insert_before(at, &[inserted]))
                } else {
                    let length = inserted.len();
                    let write = |pen: &mut Pen<'_>| write(&[inserted], pen);
                    let expected = plain.put(at, removed, Side::Behind, length, write);
                    (list.replace(at, removed, inserted), expected)
                };
                prop_assert_eq!(done, expected);
                prop_assert_eq!(list.removes(at), plain.removes(at));
            }
            prop_assert_eq!(written(&list, &message), written(&plain, &message));
            let expected = written(&list, &message);
            prop_assert_eq!(expected.len() as isize, message.len() as isize + list.growth_from(0));
            if let Some(found) = applied(&list, &message, head, tail) {
                prop_assert_eq!(found, expected);
            } else {
                let growth = list.growth_from(0);
                prop_assert!(growth > head.min(tail) as isize || growth > 0);
            }
        }

        #[test]
        fn a_list_that_begins_anew_makes_the_further_changes(
            message in bytes(300..400),
            inserted in bytes(0..12),
            begun in (0_usize..60, 0_usize..20),
            second in (0_usize..250, 0_usize..40),
            number in (0_usize..250, 0_usize..6),
            further in any::<Option<(u8, bool)>>(),
            settled in 0_usize..400,
        ) {
            let (removed, kept) = begun;
            let free = removed + kept;
            let mut script = EditList::default();
            script.remove(second.0, second.1);
            script.replace(number.0, number.1, &b"123456"[..number.1]);
            if let Some((at, removes)) = further {
                script.replace(at.into(), usize::from(removes), if removes { b"" } else { b"+" });
            }
            let is_behind = script.edits.first().is_none_or(|edit| edit.at as usize > free)
                && !script.overwrite.is_at_or_before(free);
            let mut list = EditList::default();
            list.insert(200, b"of the message before");
            let further = (&script, settled);
            let begins = begins(&mut list, [removed, free], further, &message, &inserted);
            prop_assert_eq!(begins, is_behind);
            if begins {
                let rest = &written(&script, &message)[removed..];
                let expected = [&inserted[..], rest].concat();
                prop_assert_eq!(written(&list, &message), &*expected);
                prop_assert_eq!(applied(&list, &message, 200, 200).unwrap(), expected);
            } else {
                prop_assert!(list.is_empty());
            }
        }

        #[test]
        fn edits_that_do_not_touch_equal_a_naive_splice(
            message in bytes(1..200),
            cuts in btree_map(0_usize..200, (any::<bool>(), 0_usize..20), 0..8),
        ) {
            // Each cut replaces the one byte at its place, or inserts before it.
            let mut list = EditList::default();
            let mut naive = message.clone();
            for (at, (replace, length)) in cuts.iter().rev() {
                if *at < message.len() {
                    let text = vec![b'#'; *length];
                    let end = at + usize::from(*replace);
                    prop_assert!(list.replace(*at, end - at, &text));
                    naive.splice(at..&end, text);
                }
            }
            prop_assert_eq!(applied(&list, &message, 2_000, 0).unwrap(), naive);
        }
    }
}
