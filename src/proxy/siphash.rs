//! SipHash-1-3 of words.
//!
//! The crate's hasher takes octets of any number, one piece after another. It keeps track of how
//! many are left of the last piece and of all of them, and with what is hashed for each message,
//! four words, that costs as much again as the hash. Here whole words go in, and seven octets at
//! the end.

/// The state of a hash.
#[derive(Clone, Copy, Debug)]
pub(super) struct WordHasher {
    v: [u64; 4],
    word_count: u64,
}

impl WordHasher {
    /// Nothing hashed yet, with this key.
    pub(super) fn new(key: &[u8; 16]) -> Self {
        let key = u128::from_le_bytes(*key);
        let (k0, k1) = (key as u64, (key >> 64) as u64);
        let initial = b"somepseudorandomlygeneratedbytes";
        let (words, _) = initial.as_chunks();
        let word = |at: usize| u64::from_be_bytes(words[at]);
        Self { v: [word(0) ^ k0, word(1) ^ k1, word(2) ^ k0, word(3) ^ k1], word_count: 0 }
    }

    /// Hashes a word.
    #[inline]
    pub(super) const fn word(&mut self, word: u64) {
        self.word_count += 1;
        self.compress(word);
    }

    /// Hashes `text`, whose length is hashed beside it. The last word repeats what the one before
    /// it says where the text is not made of whole words.
    #[inline]
    pub(super) fn text(&mut self, text: &[u8]) {
        match (text.first_chunk(), text.last_chunk()) {
            (Some(first), Some(last)) if text.len() <= 2 * first.len() => {
                self.word(u64::from_le_bytes(*first));
                self.word(u64::from_le_bytes(*last));
            }
            _ => *self = self.with_any(text),
        }
    }

    /// As [`Self::text`], for one that is shorter than a word or longer than two. By value, so that
    /// the state can stay in registers where it is not called.
    #[inline(never)]
    fn with_any(mut self, text: &[u8]) -> Self {
        let (words, rest) = text.as_chunks();
        for word in words {
            self.word(u64::from_le_bytes(*word));
        }
        match text.last_chunk() {
            Some(last) => self.word(u64::from_le_bytes(*last)),
            None => self.word(rest.iter().fold(0, |word, octet| word << 8 | u64::from(*octet))),
        }
        self
    }

    /// The hash of all that went in and of what is `left`, less than a word.
    #[inline]
    pub(super) const fn finish(mut self, left: [u8; 7]) -> u64 {
        let [a, b, c, d, e, f, g] = left;
        // The length in octets, modulo 256, stands behind what is left.
        let length = (self.word_count * 8 + left.len() as u64) as u8;
        self.compress(u64::from_le_bytes([a, b, c, d, e, f, g, length]));
        self.v[2] ^= 0xff;
        self.round();
        self.round();
        self.round();
        let [a, b, c, d] = self.v;
        a ^ b ^ c ^ d
    }

    /// Takes one word in: the one round of SipHash-1-3.
    #[inline]
    const fn compress(&mut self, word: u64) {
        self.v[3] ^= word;
        self.round();
        self.v[0] ^= word;
    }

    /// `SipRound`.
    #[inline]
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
        fn texts_of_one_length_have_different_hashes(
            (one, other) in (1_usize..40).prop_flat_map(|length| {
                (vec(any::<u8>(), length), vec(any::<u8>(), length))
            }),
        ) {
            let hash = |text: &[u8]| {
                let mut hasher = WordHasher::new(&[0; 16]);
                hasher.text(text);
                hasher.finish([0; 7])
            };
            prop_assert_eq!(hash(&one) == hash(&other), one == other);
            let mut changed = one.clone();
            changed[other.len() / 2] ^= 1;
            prop_assert_ne!(hash(&one), hash(&changed));
        }
    }
}
