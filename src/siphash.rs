//! SipHash-1-3 of words, and of one text.
//!
//! The crate's hasher takes octets of any number, one piece after another. It keeps track of how
//! many are left of the last piece and of all of them, and with what is hashed for each message,
//! four words or a short name, that costs as much again as the hash. Here whole words go in, and
//! seven octets at the end.

/// The state of a hash.
#[derive(Clone, Copy, Debug)]
pub(crate) struct WordHasher {
    v: [u64; 4],
    word_count: u64,
}

impl WordHasher {
    /// Nothing hashed yet, with this key.
    pub(crate) fn new(key: &[u8; 16]) -> Self {
        let key = u128::from_le_bytes(*key);
        let (k0, k1) = (key as u64, (key >> 64) as u64);
        let initial = b"somepseudorandomlygeneratedbytes";
        let (words, _) = initial.as_chunks();
        let word = |at: usize| u64::from_be_bytes(words[at]);
        Self { v: [word(0) ^ k0, word(1) ^ k1, word(2) ^ k0, word(3) ^ k1], word_count: 0 }
    }

    /// Hashes a word.
    #[inline(always)]
    pub(crate) const fn word(&mut self, word: u64) {
        self.word_count += 1;
        self.compress(word);
    }

    /// The hash of a word, of `text`, whose length is hashed beside it, and of what is `left`, with
    /// this as its key: nothing else went in. In one piece, so that the state is never in memory.
    #[inline(always)]
    pub(crate) fn hash_between(&self, word: u64, text: &[u8], left: [u8; 7]) -> u64 {
        let (Some(first), Some(last)) = (text.first_chunk(), text.last_chunk()) else {
            return self.hash_between_any(word, text, left);
        };
        if text.len() > 2 * first.len() {
            return self.hash_between_any(word, text, left);
        }
        let mut hasher = *self;
        hasher.compress(word);
        hasher.compress(u64::from_le_bytes(*first));
        hasher.compress(u64::from_le_bytes(*last));
        hasher.close(last_of(3, left))
    }

    /// As [`Self::hash_between`], for a text that is shorter than a word or longer than two.
    #[inline(never)]
    fn hash_between_any(&self, word: u64, text: &[u8], left: [u8; 7]) -> u64 {
        let mut hasher = *self;
        hasher.word(word);
        hasher.other(text).finish(left)
    }

    /// Hashes `text`, whose length is hashed beside it. The last word repeats what the one before
    /// it says where the text is not made of whole words.
    #[inline(always)]
    pub(crate) fn text(&mut self, text: &[u8]) {
        match (text.first_chunk(), text.last_chunk()) {
            (Some(first), Some(last)) if text.len() <= 2 * first.len() => {
                self.word(u64::from_le_bytes(*first));
                self.word(u64::from_le_bytes(*last));
            }
            _ => *self = self.with_other(text),
        }
    }

    /// As [`Self::text`], for one that may as well be longer than two words or shorter than one.
    #[inline(always)]
    pub(crate) fn any_text(&mut self, text: &[u8]) {
        match text.last_chunk() {
            Some(last) if text.len() > 2 * last.len() => {
                let (words, _) = text.as_chunks();
                for word in words {
                    self.word(u64::from_le_bytes(*word));
                }
                self.word(u64::from_le_bytes(*last));
            }
            Some(_) => self.text(text),
            None => self.word(number(text, text)),
        }
    }

    /// As [`Self::text`], for one that is shorter than a word or longer than two. By value, so that
    /// the state can stay in registers where it is not called.
    #[inline(never)]
    fn with_other(self, text: &[u8]) -> Self {
        self.other(text)
    }

    /// As [`Self::with_other`].
    #[inline(always)]
    fn other(mut self, text: &[u8]) -> Self {
        let (words, rest) = text.as_chunks();
        for word in words {
            self.word(u64::from_le_bytes(*word));
        }
        match text.last_chunk() {
            Some(last) => self.word(u64::from_le_bytes(*last)),
            None => self.word(number(text, rest)),
        }
        self
    }

    /// The hash of all that went in and of what is `left`, less than a word.
    #[inline(always)]
    pub(crate) const fn finish(self, left: [u8; 7]) -> u64 {
        self.close(last_of(self.word_count, left))
    }

    /// The hash of `text`, into which nothing else went.
    #[inline(always)]
    pub(crate) fn hash(mut self, text: &[u8]) -> u64 {
        let (words, left) = text.as_chunks();
        for word in words {
            self.compress(u64::from_le_bytes(*word));
        }
        self.close(last_word(text, left) | (text.len() as u64) << 56)
    }

    /// The hash, with the last word.
    #[inline(always)]
    const fn close(mut self, word: u64) -> u64 {
        self.compress(word);
        self.v[2] ^= 0xff;
        self.round();
        self.round();
        self.round();
        let [a, b, c, d] = self.v;
        a ^ b ^ c ^ d
    }

    /// Takes one word in: the one round of SipHash-1-3.
    #[inline(always)]
    const fn compress(&mut self, word: u64) {
        self.v[3] ^= word;
        self.round();
        self.v[0] ^= word;
    }

    /// `SipRound`.
    #[inline(always)]
    const fn round(&mut self) {
        let [mut a, mut b, mut c, mut d] = self.v;
        a = a.wrapping_add(b);
        c = c.wrapping_add(d);
        b = b.rotate_left(13) ^ a;
        d = d.rotate_left(16) ^ c;
        a = a.rotate_left(32);
        c = c.wrapping_add(b);
        a = a.wrapping_add(d);
        b = b.rotate_left(17) ^ c;
        d = d.rotate_left(21) ^ a;
        c = c.rotate_left(32);
        self.v = [a, b, c, d];
    }
}

/// The last word of a hash: what is `left` behind so many words, and behind that the length of all
/// in octets, modulo 256.
#[inline(always)]
const fn last_of(word_count: u64, left: [u8; 7]) -> u64 {
    let [a, b, c, d, e, f, g] = left;
    let length = (word_count * 8 + left.len() as u64) as u8;
    u64::from_le_bytes([a, b, c, d, e, f, g, length])
}

/// What is `left` of `text` behind its last whole word, as a word with zeros behind it: read from
/// its ends, which may overlap.
#[inline]
fn last_word(text: &[u8], left: &[u8]) -> u64 {
    let bits = left.len() as u32 * u8::BITS;
    if let Some(last) = text.last_chunk() {
        // By 64 in all where nothing is left.
        return u64::from_le_bytes(*last) >> 1 >> (u64::BITS - 1 - bits);
    }
    if let (Some(first), Some(last)) = (left.first_chunk(), left.last_chunk()) {
        let [first, last] = [first, last].map(|half| u64::from(u32::from_le_bytes(*half)));
        return first | last << (bits - u32::BITS);
    }
    match (left.first_chunk::<2>(), left.last_chunk::<2>()) {
        (Some(first), Some(last)) => {
            let [first, last] = [first, last].map(|half| u64::from(u16::from_le_bytes(*half)));
            first | last << (bits - u16::BITS)
        }
        _ => left.first().map_or(0, |octet| u64::from(*octet)),
    }
}

/// The octets of a text shorter than a word, which are all that is `left` of it, as the number with
/// the highest first.
#[inline]
fn number(text: &[u8], left: &[u8]) -> u64 {
    let unused = u64::BITS - left.len() as u32 * u8::BITS;
    // By 64 in all where there are none.
    last_word(text, left).swap_bytes() >> 1 >> unused.saturating_sub(1)
}

#[cfg(test)]
mod tests {
    use proptest::collection::vec;
    use proptest::prelude::*;
    use siphasher::sip::SipHasher13;

    use super::*;

    proptest! {
        #[test]
        fn words_have_the_hash_of_their_octets(
            key: [u8; 16],
            words in vec(any::<u64>(), 0..40),
            left: [u8; 7],
        ) {
            let mut hasher = WordHasher::new(&key);
            words.iter().for_each(|word| hasher.word(*word));
            let octets = words.iter().flat_map(|word| word.to_le_bytes()).chain(left);
            let octets: Vec<u8> = octets.collect();
            prop_assert_eq!(hasher.finish(left), SipHasher13::new_with_key(&key).hash(&octets));
        }

        #[test]
        fn a_text_has_the_hash_of_its_octets(key: [u8; 16], text in vec(any::<u8>(), 0..300)) {
            let hash = WordHasher::new(&key).hash(&text);
            prop_assert_eq!(hash, SipHasher13::new_with_key(&key).hash(&text));
        }

        #[test]
        fn texts_of_one_length_have_different_hashes(
            (one, other) in (1_usize..40).prop_flat_map(|length| {
                (vec(any::<u8>(), length), vec(any::<u8>(), length))
            }),
        ) {
            let hash = |text: &[u8]| {
                let mut hasher = WordHasher::new(&[0; 16]);
                hasher.text(text);
                if text.len() < 8 {
                    let by_octet = text.iter().fold(0, |word, octet| word << 8 | u64::from(*octet));
                    assert_eq!(number(text, text), by_octet);
                }
                let mut long = WordHasher::new(&[0; 16]);
                long.any_text(text);
                assert_eq!(long.finish([0; 7]), hasher.finish([0; 7]));
                hasher.finish([0; 7])
            };
            prop_assert_eq!(hash(&one) == hash(&other), one == other);
            let mut changed = one.clone();
            changed[other.len() / 2] ^= 1;
            prop_assert_ne!(hash(&one), hash(&changed));
        }
    }
}
