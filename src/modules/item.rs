//! Single values of header fields that are lists.

use crate::script::Transit;
use crate::sip::{Header, Items};

/// Takes a value off its header field: with its line if no other value is left there. False if
/// there is no room for the change.
pub(super) fn take_off<'m>(transit: &mut Transit<'m>, header: Header<'m>, item: &'m [u8]) -> bool {
    let message = transit.message;
    let at = message.offset_of(item);
    let behind = Items::new(header.value).find(|item| message.offset_of(item) > at);
    let before = Items::new(header.value)
        .take_while(|item| message.offset_of(item) < at)
        .filter(|item| !transit.edits.removes(message.offset_of(item)))
        .last();
    match (before, behind) {
        (None, None) => {
            let line = header.line;
            transit.edits.remove(message.offset_of(line), line.len())
        }
        (_, Some(next)) => transit.edits.remove(at, message.offset_of(next) - at),
        (Some(last), None) => {
            let from = message.offset_of(last) + last.len();
            transit.edits.remove(from, at + item.len() - from)
        }
    }
}
