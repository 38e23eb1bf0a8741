//! Content-Length.

use super::compose::ShortText;
use super::rewrite::EditList;
use super::{HeaderName, Message};

/// Lets Content-Length follow the body that the edits change (RFC 3261 §16.6 step 9). A message
/// without one ends with its datagram (§18.3). False if there is no room for that.
pub fn edit_content_length(message: Message<'_>, edits: &mut EditList) -> bool {
    let body_length = message.body().len();
    let growth = edits.growth_from(message.end() - body_length);
    if growth == 0 {
        return true;
    }
    let Some(value) = message.value(HeaderName::ContentLength) else { return true };
    let at = message.offset_of(value);
    let length = body_length.saturating_add_signed(growth);
    let mut text = ShortText::new(b"");
    edits.removes(at) || edits.replace(at, value.len(), text.decimal(length).as_bytes())
}
