//! A growing set of small integers.

/// One bit per integer.
#[derive(Debug, Default)]
pub(crate) struct Bits {
    words: Vec<u64>,
}

impl FromIterator<u32> for Bits {
    fn from_iter<I: IntoIterator<Item = u32>>(integers: I) -> Self {
        let mut bits = Bits::default();
        integers.into_iter().for_each(|integer| bits.set(integer as usize, true));
        bits
    }
}

impl Bits {
    pub(crate) fn set(&mut self, at: usize, value: bool) {
        let (word, bit) = (at / 64, 1 << (at % 64));
        if word >= self.words.len() {
            self.words.resize(word + 1, 0);
        }
        if value {
            self.words[word] |= bit;
        } else {
            self.words[word] &= !bit;
        }
    }

    pub(crate) fn has(&self, at: usize) -> bool {
        self.words.get(at / 64).is_some_and(|word| word >> (at % 64) & 1 == 1)
    }

    /// Bytes of memory to be allocated before the set can hold integers below this.
    pub(crate) fn growth(&self, below: usize) -> usize {
        let needed = below.div_ceil(64);
        if needed <= self.words.capacity() { 0 } else { 2 * needed * size_of::<u64>() }
    }

    /// The integers in the set, ascending.
    pub(crate) fn iter(&self) -> impl Iterator<Item = usize> + '_ {
        self.words.iter().enumerate().flat_map(|(at, &word)| {
            let mut left = word;
            std::iter::from_fn(move || {
                let bit = left.trailing_zeros();
                left &= left.wrapping_sub(1);
                (bit < 64).then(|| at * 64 + bit as usize)
            })
        })
    }
}
