//! Changes to a message, collected first and then made where it lies.
//!
//! Whatever changes a message, from `record_route()` to `append_hf()`, adds to an [`EditList`].
//! [`EditList::apply`] then cuts the message at the edits into pieces that stay as they are. The
//! longest piece does not move; the others move just as far as the edits between them and it
//! demand. A forwarded INVITE gains a Via on top, so only its request line moves, into the
//! headroom of the slot:
//!
//! ```text
//! before   [ headroom            |INVITE sip:bob@example.com SIP/2.0..|Via: ... From: ... body ]
//! after    [ |INVITE sip:bob@192.0.2.9 SIP/2.0..|Via: own..Record-Route: own..|Via: ... body   ]
//! ```

use std::ops::Range;

use crate::limits::{DATAGRAM_BYTES_MAX, EDIT_BYTES_MAX, EDIT_COUNT_MAX, PAYLOAD_BYTES_MAX};

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

/// The changes to one message, sorted by place. Its buffers are kept from message to message.
#[derive(Debug, Default)]
pub struct EditList {
    edits: Vec<Edit>,
    bytes: Vec<u8>,
}

impl EditList {
    /// Replaces `removed` bytes at offset `at` of the message as it arrived by `inserted`.
    ///
    /// Insertions at one place stand in the order in which they were made, and before a piece
    /// that is removed from there on. Edits that lie wholly within a piece removed later go with
    /// it; an insertion into a piece removed earlier moves behind it. False, and nothing changes,
    /// if the limits of [`crate::limits`] are reached or two replaced pieces overlap in part.
    pub fn replace(&mut self, at: usize, removed: usize, inserted: &[u8]) -> bool {
        self.has_room(inserted.len())
            && self.put(at, removed, Side::Behind, |bytes| bytes.extend_from_slice(inserted))
    }

    /// Like [`Self::replace`], with the inserted bytes in several parts.
    pub fn replace_parts(&mut self, at: usize, removed: usize, inserted: &[&[u8]]) -> bool {
        let length = inserted.iter().map(|part| part.len()).sum();
        self.has_room(length)
            && self.put(at, removed, Side::Behind, |bytes| {
                for part in inserted {
                    bytes.extend_from_slice(part);
                }
            })
    }

    /// Inserts `inserted` at offset `at`.
    pub fn insert(&mut self, at: usize, inserted: &[u8]) -> bool {
        self.replace(at, 0, inserted)
    }

    /// Inserts the parts at offset `at`, before what was inserted there earlier.
    pub fn insert_before(&mut self, at: usize, inserted: &[&[u8]]) -> bool {
        let length = inserted.iter().map(|part| part.len()).sum();
        self.has_room(length)
            && self.insert_before_with(at, |bytes| {
                for part in inserted {
                    bytes.extend_from_slice(part);
                }
            })
    }

    /// Inserts what `write` appends at offset `at`, before what was inserted there earlier. What
    /// it appends is taken back where it is more than fits.
    pub fn insert_before_with(&mut self, at: usize, write: impl FnOnce(&mut Vec<u8>)) -> bool {
        self.put(at, 0, Side::Before, write)
    }

    /// Removes `removed` bytes at offset `at`. Bytes that an earlier edit has removed stay so.
    pub fn remove(&mut self, at: usize, removed: usize) -> bool {
        self.replace_parts(at, removed, &[])
    }

    /// Forgets all changes.
    pub fn clear(&mut self) {
        self.edits.clear();
        self.bytes.clear();
    }

    /// Makes this list the same as `other`, in the buffers that it has.
    pub fn copy_from(&mut self, other: &Self) {
        self.clear();
        self.edits.extend_from_slice(&other.edits);
        self.bytes.extend_from_slice(&other.bytes);
    }

    /// Bytes of memory that the changes take.
    #[must_use]
    pub fn size(&self) -> usize {
        self.edits.len() * size_of::<Edit>() + self.bytes.len()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.edits.is_empty()
    }

    /// Whether some edit removes the byte at `at`.
    #[must_use]
    pub fn removes(&self, at: usize) -> bool {
        self.edits.iter().any(|edit| (edit.at as usize..edit.end() as usize).contains(&at))
    }

    /// By how many bytes the part of the message from `start` on grows (negative: shrinks).
    #[must_use]
    pub fn growth_from(&self, start: usize) -> isize {
        let from_there = self.edits.iter().rev().take_while(|edit| edit.at as usize >= start);
        from_there.map(|edit| edit.delta()).sum()
    }

    /// Makes the changes to the message in `buffer[message]`; where it then is. `None`, with the
    /// buffer unchanged, if it does not fit the buffer or a datagram.
    pub fn apply(&self, buffer: &mut [u8], message: Range<usize>) -> Option<Range<usize>> {
        if self.edits.is_empty() {
            return Some(message);
        }
        let cut = self.cut(message.len());
        let Some(rewritten) = self.extent(cut, &message, buffer.len()) else {
            return self.apply_with_little_room(buffer, &message);
        };
        if !self.spreads(cut) {
            self.move_all(buffer, &message, cut);
            return Some(rewritten);
        }
        // Away from the longest piece every piece and what is inserted beside it go to where
        // nothing is that has yet to move, so that one pass over each side does.
        let mut shift = -cut.growth_before;
        let mut start = message.start;
        let (left, right) = self.edits.split_at(cut.longest);
        for edit in left {
            let end = message.start + edit.at as usize;
            move_piece(buffer, start..end, shift);
            self.fill(buffer, end.wrapping_add_signed(shift), *edit);
            shift += edit.delta();
            start = message.start + edit.end() as usize;
        }
        let mut shift = cut.growth - cut.growth_before;
        let mut end = message.end;
        for edit in right.iter().rev() {
            move_piece(buffer, message.start + edit.end() as usize..end, shift);
            shift -= edit.delta();
            end = message.start + edit.at as usize;
            self.fill(buffer, end.wrapping_add_signed(shift), *edit);
        }
        Some(rewritten)
    }

    /// Appends the changed message to `out`.
    pub fn write_to(&self, message: &[u8], out: &mut Vec<u8>) {
        let mut from = 0;
        for edit in &self.edits {
            out.extend_from_slice(&message[from..edit.at as usize]);
            out.extend_from_slice(self.inserted(*edit));
            from = edit.end() as usize;
        }
        out.extend_from_slice(&message[from..]);
    }

    /// Whether that many bytes more may be inserted.
    #[inline]
    fn has_room(&self, length: usize) -> bool {
        length <= EDIT_BYTES_MAX.saturating_sub(self.bytes.len())
    }

    /// Adds an edit that inserts what `write` appends to the bytes.
    #[inline]
    fn put(
        &mut self,
        at: usize,
        removed: usize,
        side: Side,
        write: impl FnOnce(&mut Vec<u8>),
    ) -> bool {
        let inserted_start = self.bytes.len();
        write(&mut self.bytes);
        let fits = at + removed <= DATAGRAM_BYTES_MAX
            && self.edits.len() < EDIT_COUNT_MAX
            && self.bytes.len() <= EDIT_BYTES_MAX;
        #[expect(clippy::cast_possible_truncation, reason = "checked against the limits above")]
        let edit = Edit {
            at: at as u32,
            removed: removed as u32,
            inserted_start: inserted_start as u32,
            inserted_length: (self.bytes.len() - inserted_start) as u32,
        };
        let is_put = fits && self.place(edit, side);
        if !is_put {
            self.bytes.truncate(inserted_start);
        }
        is_put
    }

    /// Puts an edit among the others.
    fn place(&mut self, edit: Edit, side: Side) -> bool {
        if edit.inserted_length == 0 && edit.removed == 0 {
            return true;
        }
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

    /// Cuts the message at the edits, so that the longest piece stays.
    fn cut(&self, message_length: usize) -> Cut {
        let mut cut = Cut { longest: 0, growth_before: 0, growth: 0 };
        let mut length = 0;
        let mut start = 0;
        for (piece, edit) in self.edits.iter().enumerate() {
            if edit.at - start > length {
                length = edit.at - start;
                (cut.longest, cut.growth_before) = (piece, cut.growth);
            }
            start = edit.end();
            cut.growth += edit.delta();
        }
        if message_length - start as usize >= length as usize {
            self.cut_before_last(cut.growth)
        } else {
            cut
        }
    }

    /// The cut with which the last piece stays.
    const fn cut_before_last(&self, growth: isize) -> Cut {
        Cut { longest: self.edits.len(), growth_before: growth, growth }
    }

    /// Where the message will be; `None` if that does not fit.
    fn extent(
        &self,
        cut: Cut,
        message: &Range<usize>,
        buffer_length: usize,
    ) -> Option<Range<usize>> {
        let start = message.start.checked_add_signed(-cut.growth_before)?;
        let end = message.end.checked_add_signed(cut.growth - cut.growth_before)?;
        (end <= buffer_length && end.checked_sub(start)? <= PAYLOAD_BYTES_MAX).then_some(start..end)
    }

    /// Whether all pieces before the longest go left and all behind it go right, or stay.
    fn spreads(&self, cut: Cut) -> bool {
        let mut shift = -cut.growth_before;
        self.edits.iter().enumerate().all(|(piece, edit)| {
            let outward = if piece < cut.longest { shift <= 0 } else { shift >= 0 };
            shift += edit.delta();
            outward
        }) && (shift >= 0)
    }

    /// As [`Self::apply`] where there is no room on one side: another piece stays then.
    #[cold]
    fn apply_with_little_room(
        &self,
        buffer: &mut [u8],
        message: &Range<usize>,
    ) -> Option<Range<usize>> {
        let growth = self.edits.iter().map(|edit| edit.delta()).sum();
        let first = Cut { longest: 0, growth_before: 0, growth };
        let (cut, rewritten) = [self.cut_before_last(growth), first]
            .into_iter()
            .find_map(|cut| Some((cut, self.extent(cut, message, buffer.len())?)))?;
        self.move_all(buffer, message, cut);
        Some(rewritten)
    }

    /// Makes the changes whatever way the pieces go: first all are moved, then the gaps filled.
    fn move_all(&self, buffer: &mut [u8], message: &Range<usize>, cut: Cut) {
        let first_shift = -cut.growth_before;
        self.move_left(buffer, message, first_shift);
        self.move_right(buffer, message, first_shift + cut.growth);
        let mut shift = first_shift;
        for edit in &self.edits {
            let at = (message.start + edit.at as usize).wrapping_add_signed(shift);
            self.fill(buffer, at, *edit);
            shift += edit.delta();
        }
    }

    /// Moves the pieces that go left, leftmost first: none is overwritten before it has moved,
    /// as each goes to where its left neighbour has been or has already left.
    fn move_left(&self, buffer: &mut [u8], message: &Range<usize>, first_shift: isize) {
        let mut shift = first_shift;
        let mut start = message.start;
        for edit in &self.edits {
            let end = message.start + edit.at as usize;
            if shift < 0 {
                move_piece(buffer, start..end, shift);
            }
            shift += edit.delta();
            start = message.start + edit.end() as usize;
        }
        if shift < 0 {
            move_piece(buffer, start..message.end, shift);
        }
    }

    /// Moves the pieces that go right, rightmost first.
    fn move_right(&self, buffer: &mut [u8], message: &Range<usize>, last_shift: isize) {
        let mut shift = last_shift;
        let mut end = message.end;
        for edit in self.edits.iter().rev() {
            let start = message.start + edit.end() as usize;
            if shift > 0 {
                move_piece(buffer, start..end, shift);
            }
            shift -= edit.delta();
            end = message.start + edit.at as usize;
        }
        if shift > 0 {
            move_piece(buffer, message.start..end, shift);
        }
    }

    /// Writes what `edit` inserts at offset `at` of the buffer.
    #[inline]
    fn fill(&self, buffer: &mut [u8], at: usize, edit: Edit) {
        let inserted = self.inserted(edit);
        buffer[at..at + inserted.len()].copy_from_slice(inserted);
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

/// A way to cut a message at its edits; piece `n` stands before edit `n`.
#[derive(Clone, Copy)]
struct Cut {
    /// The piece that stays.
    longest: usize,
    /// By how many bytes the message grows before it.
    growth_before: isize,
    /// By how many bytes it grows.
    growth: isize,
}

/// Moves `piece` of the buffer by `shift` bytes.
fn move_piece(buffer: &mut [u8], piece: Range<usize>, shift: isize) {
    let to = piece.start.wrapping_add_signed(shift);
    buffer.copy_within(piece, to);
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
                (0_usize..220, 0_usize..40, bytes(0..30), any::<bool>()),
                0..12,
            ),
            head in 0_usize..200,
            tail in 0_usize..200,
        ) {
            let mut list = EditList::default();
            for (at, removed, inserted, before) in &edits {
                let at = (*at).min(message.len());
                let removed = (*removed).min(message.len() - at);
                if *before {
                    list.insert_before(at, &[inserted]);
                } else {
                    list.replace(at, removed, inserted);
                }
            }
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
