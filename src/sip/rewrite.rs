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
        self.replace_parts(at, removed, &[inserted])
    }

    /// Like [`Self::replace`], with the inserted bytes in several parts.
    pub fn replace_parts(&mut self, at: usize, removed: usize, inserted: &[&[u8]]) -> bool {
        let after = |edit: &Edit, at| edit.at > at || (edit.at == at && edit.removed > 0);
        self.put(at, removed, inserted, after)
    }

    /// Inserts `inserted` at offset `at`.
    pub fn insert(&mut self, at: usize, inserted: &[u8]) -> bool {
        self.replace(at, 0, inserted)
    }

    /// Inserts the parts at offset `at`, before what was inserted there earlier.
    pub fn insert_before(&mut self, at: usize, inserted: &[&[u8]]) -> bool {
        self.put(at, 0, inserted, |edit, at| edit.at >= at)
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
        self.edits.iter().filter(|edit| edit.at as usize >= start).map(|edit| edit.delta()).sum()
    }

    /// Makes the changes to the message in `buffer[message]`; where it then is. `None`, with the
    /// buffer unchanged, if it does not fit the buffer or a datagram.
    pub fn apply(&self, buffer: &mut [u8], message: Range<usize>) -> Option<Range<usize>> {
        if self.edits.is_empty() {
            return Some(message);
        }
        let longest = self.longest_piece(message.len());
        let (pivot, rewritten) = [longest, self.edits.len(), 0]
            .into_iter()
            .find_map(|pivot| Some((pivot, self.extent(pivot, &message, buffer.len())?)))?;
        let first_shift = -self.growth(..pivot);
        self.move_left(buffer, &message, first_shift);
        self.move_right(buffer, &message, first_shift);
        self.fill(buffer, &message, first_shift);
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

    /// Adds an edit before the first one that `after` says must stand behind it.
    fn put(
        &mut self,
        at: usize,
        removed: usize,
        inserted: &[&[u8]],
        after: impl Fn(&Edit, u32) -> bool,
    ) -> bool {
        let length: usize = inserted.iter().map(|part| part.len()).sum();
        if length == 0 && removed == 0 {
            return true;
        }
        if at + removed > DATAGRAM_BYTES_MAX
            || self.edits.len() >= EDIT_COUNT_MAX
            || self.bytes.len() + length > EDIT_BYTES_MAX
        {
            return false;
        }
        #[expect(clippy::cast_possible_truncation, reason = "checked against the limits above")]
        let mut edit = Edit {
            at: at as u32,
            removed: removed as u32,
            inserted_start: self.bytes.len() as u32,
            inserted_length: length as u32,
        };
        if let Some(around) = self.edits.iter().find(|old| old.at < edit.at && edit.at < old.end())
        {
            // Within a piece that is gone already.
            if removed == 0 {
                edit.at = around.end();
            } else {
                return edit.end() <= around.end() && length == 0;
            }
        }
        let index = self.edits.iter().position(|old| after(old, edit.at));
        let index = index.unwrap_or(self.edits.len());
        let covered = self.edits[index..].iter().take_while(|old| old.at < edit.end()).count();
        if let Some(last) = self.edits[index..index + covered].last()
            && last.end() > edit.end()
        {
            return last.at <= edit.at && length == 0;
        }
        for part in inserted {
            self.bytes.extend_from_slice(part);
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

    /// By how many bytes the edits of `range` make the message grow.
    fn growth(&self, range: impl std::slice::SliceIndex<[Edit], Output = [Edit]>) -> isize {
        self.edits[range].iter().map(|edit| edit.delta()).sum()
    }

    /// Number of the longest piece; piece `n` stands before edit `n`.
    fn longest_piece(&self, message_length: usize) -> usize {
        let mut longest = (0, 0);
        let mut start = 0;
        for (piece, edit) in self.edits.iter().enumerate() {
            let length = (edit.at - start) as usize;
            if length > longest.0 {
                longest = (length, piece);
            }
            start = edit.end();
        }
        if message_length - start as usize >= longest.0 { self.edits.len() } else { longest.1 }
    }

    /// Where the message will be if piece `pivot` stays; `None` if that does not fit.
    fn extent(
        &self,
        pivot: usize,
        message: &Range<usize>,
        buffer_length: usize,
    ) -> Option<Range<usize>> {
        let start = message.start.checked_add_signed(-self.growth(..pivot))?;
        let end = message.end.checked_add_signed(self.growth(pivot..))?;
        (end <= buffer_length && end.checked_sub(start)? <= PAYLOAD_BYTES_MAX).then_some(start..end)
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
    fn move_right(&self, buffer: &mut [u8], message: &Range<usize>, first_shift: isize) {
        let mut shift = first_shift + self.growth(..);
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

    /// Writes the inserted bytes into the gaps between the pieces.
    fn fill(&self, buffer: &mut [u8], message: &Range<usize>, first_shift: isize) {
        let mut shift = first_shift;
        for edit in &self.edits {
            let at = (message.start + edit.at as usize).wrapping_add_signed(shift);
            let inserted = self.inserted(*edit);
            buffer[at..at + inserted.len()].copy_from_slice(inserted);
            shift += edit.delta();
        }
    }
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
