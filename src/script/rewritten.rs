//! Messages that take the place of the one that arrived while the script runs
//! (`msg_apply_changes`).
//!
//! Whatever the run has read of the message before stays where it is, so that the new text and its
//! index come beside the old ones: the text into the arena, the index here, as the arena does not
//! give back what an index holds.

use std::cell::OnceCell;

use super::Execution;
use crate::limits::REWRITTEN_COUNT_MAX;
use crate::sip::{Message, MessageIndex, parse};

/// The indices of the messages of a run, each with the next one.
#[derive(Debug, Default)]
pub struct Rewritten {
    first: OnceCell<Box<Link>>,
}

/// An index and the next one.
#[derive(Debug)]
struct Link {
    index: MessageIndex,
    next: OnceCell<Box<Self>>,
}

impl Rewritten {
    /// The message that `text` is; `None` if it is malformed or there have been too many.
    fn add<'m>(&'m self, text: &'m [u8]) -> Option<Message<'m>> {
        let mut last = &self.first;
        let mut count = 0;
        while let Some(link) = last.get() {
            last = &link.next;
            count += 1;
        }
        let mut index = MessageIndex::default();
        if count >= REWRITTEN_COUNT_MAX || parse(text, &mut index).is_err() {
            return None;
        }
        let link = last.get_or_init(|| Box::new(Link { index, next: OnceCell::new() }));
        Some(Message::new(text, &link.index))
    }

    /// Forgets all of them.
    #[inline]
    pub fn clear(&mut self) {
        if self.first.get().is_some() {
            self.first.take();
        }
    }
}

impl<'m> Execution<'m> {
    /// Goes on with the message that `text` is, in place of the one so far; what has been decided
    /// about that one stays, but for the edits, which are made. False, and nothing changes, if it
    /// is malformed, or a response in place of a request or the other way round.
    pub fn replace_message(&mut self, text: &'m [u8]) -> bool {
        let transit = &mut self.transit;
        let Some(message) = transit.rewritten.and_then(|place| place.add(text)) else {
            return false;
        };
        let Ok(essentials) = message.essentials() else { return false };
        if message.method().is_some() != transit.message.method().is_some() {
            return false;
        }
        transit.message = message;
        transit.essentials = Some(transit.arena.alloc(essentials));
        transit.uri = message.request_uri();
        transit.edits.clear();
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_are_added_up_to_a_bound() {
        let mut rewritten = Rewritten::default();
        let text = |number: usize| format!("OPTIONS sip:{number} SIP/2.0\r\n\r\n").into_bytes();
        let texts: Vec<_> = (0..=REWRITTEN_COUNT_MAX).map(text).collect();
        let messages: Vec<_> = texts.iter().map_while(|text| rewritten.add(text)).collect();
        assert_eq!(messages.len(), REWRITTEN_COUNT_MAX);
        for (number, message) in messages.iter().enumerate() {
            assert_eq!(message.request_uri(), format!("sip:{number}").as_bytes());
        }
        rewritten.clear();
        assert!(rewritten.add(b"no message").is_none());
        assert!(rewritten.add(&texts[0]).is_some());
    }
}
