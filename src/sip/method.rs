//! Request methods.

use super::scan::Block;

/// The method of a request (RFC 3261 §7.1). Case-sensitive, as all tokens of a request line.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Method {
    /// RFC 3261 §13.
    Ack,
    /// RFC 3261 §15.
    Bye,
    /// RFC 3261 §9.
    Cancel,
    /// RFC 6086.
    Info,
    /// RFC 3261 §13.
    Invite,
    /// RFC 3428.
    Message,
    /// RFC 6665.
    Notify,
    /// RFC 3261 §11.
    Options,
    /// RFC 3262.
    Prack,
    /// RFC 3903.
    Publish,
    /// RFC 3515.
    Refer,
    /// RFC 3261 §10.
    Register,
    /// RFC 6665.
    Subscribe,
    /// RFC 3311.
    Update,
    /// An extension; forwarded like any other (RFC 3261 §16.3 step 2).
    Other,
}

impl Method {
    /// The method that `name` names.
    #[must_use]
    pub fn parse(name: &[u8]) -> Self {
        match name {
            b"ACK" => Self::Ack,
            b"BYE" => Self::Bye,
            b"CANCEL" => Self::Cancel,
            b"INFO" => Self::Info,
            b"INVITE" => Self::Invite,
            b"MESSAGE" => Self::Message,
            b"NOTIFY" => Self::Notify,
            b"OPTIONS" => Self::Options,
            b"PRACK" => Self::Prack,
            b"PUBLISH" => Self::Publish,
            b"REFER" => Self::Refer,
            b"REGISTER" => Self::Register,
            b"SUBSCRIBE" => Self::Subscribe,
            b"UPDATE" => Self::Update,
            _ => Self::Other,
        }
    }

    /// The method that a request line starts with, and how long its name is; none that is longer
    /// than a word. The octets are the first ones of the line.
    #[inline]
    pub(super) fn ahead(octets: [u8; Block::LENGTH]) -> Option<(Self, usize)> {
        let length = Block::new(octets).is(b' ').bits().trailing_zeros() as usize;
        let others = WORD.checked_sub(length)?;
        let octets = u64::from_le_bytes(*octets.first_chunk()?) ^ SPACES;
        // Shifted in two steps: nothing is left of a name that is empty.
        let word = octets << (u8::BITS as usize * others / 2) << (u8::BITS as usize * others / 2);
        let (known, method) = WORDS[place(word)];
        (known == word).then_some((method, length))
    }
}

/// Octets of a word.
const WORD: usize = size_of::<u64>();

/// A word of spaces.
const SPACES: u64 = u64::from_ne_bytes([b' '; WORD]);

/// The methods whose names fit in a word, each at its [`place`]: the octets of the name are the
/// highest, and differ from 0 by what they differ from a space. What is at no place of its own is
/// found by nothing.
const WORDS: [(u64, Method); PLACES] = {
    let names: [(&[u8], Method); 13] = [
        (b"INVITE", Method::Invite),
        (b"ACK", Method::Ack),
        (b"BYE", Method::Bye),
        (b"CANCEL", Method::Cancel),
        (b"REGISTER", Method::Register),
        (b"OPTIONS", Method::Options),
        (b"PRACK", Method::Prack),
        (b"UPDATE", Method::Update),
        (b"INFO", Method::Info),
        (b"NOTIFY", Method::Notify),
        (b"MESSAGE", Method::Message),
        (b"REFER", Method::Refer),
        (b"PUBLISH", Method::Publish),
    ];
    let mut words = [(word(names[0].0), names[0].1); PLACES];
    let mut at = 1;
    while at < names.len() {
        let (name, method) = names[at];
        let place = place(word(name));
        words[place] = (word(name), method);
        at += 1;
    }
    words
};

/// A power of two, with room for the methods whose names fit in a word.
const PLACES: usize = 16;

/// Where the word of a method is in a table. The multiplier gives each a place of its own.
const fn place(word: u64) -> usize {
    (word.wrapping_mul(0x0001_2ec5) >> (u64::BITS - PLACES.ilog2())) as usize
}

/// The word that ends in the octets of `name`.
const fn word(name: &[u8]) -> u64 {
    let mut word = 0;
    let mut at = name.len();
    while at > 0 {
        at -= 1;
        word = word << u8::BITS | (name[at] ^ b' ') as u64;
    }
    word << (u8::BITS as usize * (WORD - name.len()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_line_starts_with_the_method_that_its_first_word_is() {
        let names = ["INVITE", "ACK", "BYE", "CANCEL", "REGISTER", "OPTIONS", "PRACK", "UPDATE"];
        let others =
            ["INFO", "NOTIFY", "MESSAGE", "REFER", "PUBLISH", "SUBSCRIBE", "invite", "", "A"];
        for name in names.into_iter().chain(others) {
            let line = format!("{name} sip:0123456789abcdef");
            let ahead = Method::ahead(*line.as_bytes().first_chunk().unwrap());
            let method = Method::parse(name.as_bytes());
            let is_word = method != Method::Other && name.len() <= WORD;
            assert_eq!(ahead, is_word.then_some((method, name.len())), "{name}");
        }
        for other in
            [b"INVITEsip:a@b.cd", b"\0INVITE sip:a@b.", b"INVITE\0 sip:a@b.", b"\0               "]
        {
            assert_eq!(Method::ahead(*other), None);
        }
    }

    #[test]
    fn methods_are_known_in_upper_case_only() {
        assert_eq!(Method::parse(b"REGISTER"), Method::Register);
        assert_eq!(Method::parse(b"register"), Method::Other);
        assert_eq!(Method::parse(b"RE%47IST%45R"), Method::Other);
        assert_eq!(Method::parse(b""), Method::Other);
    }
}
