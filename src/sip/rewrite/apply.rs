//! Making the changes of a list where the message lies.

use std::ops::Range;

use super::{Edit, EditList, Overwrite};
use crate::limits::PAYLOAD_BYTES_MAX;

impl EditList {
    /// Makes the changes to the message in `buffer[message]`; where it then is. `None`, with the
    /// buffer unchanged, if it does not fit the buffer or a datagram.
    #[inline]
    pub fn apply(&self, buffer: &mut [u8], message: Range<usize>) -> Option<Range<usize>> {
        match self.apply_start(buffer, &message) {
            Some(start) => Some(start..message.end),
            None => self.apply_elsewhere(buffer, message),
        }
    }

    /// Makes the only edit of the list, if that is one of the start of the message, into the room
    /// before it, and overwrites what is to be behind that; where the message then starts. `None`,
    /// with the buffer unchanged, if it is another list or if there is no room.
    #[inline]
    fn apply_start(&self, buffer: &mut [u8], message: &Range<usize>) -> Option<usize> {
        let [edit @ Edit { at: 0, .. }] = self.edits[..] else { return None };
        let inserted = self.inserted(edit);
        let end = message.start + edit.removed as usize;
        let start = end.checked_sub(inserted.len())?;
        if message.end.saturating_sub(start) > PAYLOAD_BYTES_MAX {
            return None;
        }
        buffer.get_mut(start..end)?.copy_from_slice(inserted);
        self.write_over_at(message.start + self.overwrite.at, buffer);
        Some(start)
    }

    /// As [`Self::apply`], of any list.
    #[inline(never)]
    fn apply_elsewhere(&self, buffer: &mut [u8], message: Range<usize>) -> Option<Range<usize>> {
        let one = match self.edits[..] {
            [edit] => self.apply_one(edit, buffer, &message),
            _ => None,
        };
        one.or_else(|| self.apply_any(buffer, message))
    }

    /// Makes the only edit of the list: of the two pieces beside it the shorter one moves. `None`,
    /// with the buffer unchanged, if there is no room for that. What is to be overwritten is, too.
    #[inline]
    fn apply_one(
        &self,
        edit: Edit,
        buffer: &mut [u8],
        message: &Range<usize>,
    ) -> Option<Range<usize>> {
        let inserted = self.inserted(edit);
        let at = message.start + edit.at as usize;
        let end = message.start + edit.end() as usize;
        let over = self.overwrite.at;
        let growth = if (edit.at as usize) < over { edit.delta() } else { 0 };
        let over = over.wrapping_add_signed(growth);
        if message.end.checked_add_signed(edit.delta())? - message.start > PAYLOAD_BYTES_MAX {
            return None;
        }
        if message.end - end >= edit.at as usize {
            let place = end.checked_sub(inserted.len())?;
            let start = place.checked_sub(edit.at as usize)?;
            if edit.at > 0 {
                buffer.copy_within(message.start..at, start);
            }
            buffer[place..end].copy_from_slice(inserted);
            self.write_over_at(start + over, buffer);
            return Some(start..message.end);
        }
        let behind = at + inserted.len();
        let rewritten = message.start..behind + (message.end - end);
        if rewritten.end > buffer.len() {
            return None;
        }
        buffer.copy_within(end..message.end, behind);
        buffer[at..behind].copy_from_slice(inserted);
        self.write_over_at(rewritten.start + over, buffer);
        Some(rewritten)
    }

    /// Makes any edits, and overwrites what is to be.
    #[inline]
    fn apply_any(&self, buffer: &mut [u8], message: Range<usize>) -> Option<Range<usize>> {
        let rewritten =
            if self.edits.is_empty() { message } else { self.apply_all(buffer, message)? };
        self.write_over(buffer, rewritten.start);
        Some(rewritten)
    }

    /// Makes any edits.
    fn apply_all(&self, buffer: &mut [u8], message: Range<usize>) -> Option<Range<usize>> {
        let cut = self.cut(message.len());
        let Some(rewritten) = cut.extent(&message, buffer.len()) else {
            return self.apply_with_little_room(buffer, &message);
        };
        if !cut.spreads {
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

    /// Overwrites what is to be, in the changed message that starts at `start` of the buffer.
    pub(super) fn write_over(&self, buffer: &mut [u8], start: usize) {
        let at = self.overwrite.at;
        let before = self.edits.iter().take_while(|edit| (edit.at as usize) < at);
        let growth = before.map(|edit| edit.delta()).sum();
        self.write_over_at((start + at).wrapping_add_signed(growth), buffer);
    }

    /// Overwrites what is to be, if anything is, at `place` of the buffer.
    #[inline]
    fn write_over_at(&self, place: usize, buffer: &mut [u8]) {
        let Overwrite { length, bytes, .. } = &self.overwrite;
        match length {
            0 => {}
            // A Max-Forwards of two digits, most often.
            2 => buffer[place..place + 2].copy_from_slice(&bytes[..2]),
            length => buffer[place..place + length].copy_from_slice(&bytes[..*length]),
        }
    }

    /// Cuts the message at the edits, so that the longest piece stays.
    #[inline]
    fn cut(&self, message_length: usize) -> Cut {
        let mut cut = Cut { longest: 0, growth_before: 0, growth: 0, spreads: true };
        let (mut start, mut longest, mut most) = (0, 0, 0);
        let mut see = |cut: &mut Cut, piece, length| {
            if length >= longest {
                longest = length;
                (cut.longest, cut.growth_before) = (piece, cut.growth);
                cut.spreads = most <= cut.growth;
            } else {
                cut.spreads &= cut.growth >= cut.growth_before;
            }
            most = most.max(cut.growth);
        };
        for (piece, edit) in self.edits.iter().enumerate() {
            see(&mut cut, piece, edit.at as usize - start);
            start = edit.end() as usize;
            cut.growth += edit.delta();
        }
        see(&mut cut, self.edits.len(), message_length - start);
        cut
    }

    /// As [`Self::apply`] where there is no room on one side: another piece stays then.
    #[cold]
    fn apply_with_little_room(
        &self,
        buffer: &mut [u8],
        message: &Range<usize>,
    ) -> Option<Range<usize>> {
        let growth = self.edits.iter().map(|edit| edit.delta()).sum();
        let first = Cut { longest: 0, growth_before: 0, growth, spreads: false };
        let last = Cut { longest: self.edits.len(), growth_before: growth, ..first };
        let (cut, rewritten) = [last, first]
            .into_iter()
            .find_map(|cut| Some((cut, cut.extent(message, buffer.len())?)))?;
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

/// A way to cut a message at its edits; piece `n` stands before edit `n`.
#[derive(Clone, Copy)]
struct Cut {
    /// The piece that stays.
    longest: usize,
    /// By how many bytes the message grows before it.
    growth_before: isize,
    /// By how many bytes it grows.
    growth: isize,
    /// Whether all pieces before the longest go left, or stay, and all behind it go right.
    spreads: bool,
}

impl Cut {
    /// Where the message will be; `None` if that does not fit.
    #[inline]
    fn extent(self, message: &Range<usize>, buffer_length: usize) -> Option<Range<usize>> {
        let start = message.start.checked_add_signed(-self.growth_before)?;
        let end = message.end.checked_add_signed(self.growth - self.growth_before)?;
        (end <= buffer_length && end.checked_sub(start)? <= PAYLOAD_BYTES_MAX).then_some(start..end)
    }
}

/// Moves `piece` of the buffer by `shift` bytes.
#[inline]
fn move_piece(buffer: &mut [u8], piece: Range<usize>, shift: isize) {
    if shift == 0 || piece.is_empty() {
        return;
    }
    let to = piece.start.wrapping_add_signed(shift);
    buffer.copy_within(piece, to);
}
