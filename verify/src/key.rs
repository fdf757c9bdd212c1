//! The keys of a trie, and the intervals they lie in.

use crate::ProofError;
use crate::bytes::Bytes;
use crate::hash::Digest;

/// A node's key in the trie of its scope: when it happened, then its digest.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct NodeKey {
    /// Unix milliseconds.
    pub timestamp: u64,
    /// The digest in its CID.
    pub digest: Digest,
}

impl NodeKey {
    pub(crate) fn to_bytes(self) -> [u8; 40] {
        let mut bytes = [0; 40];
        let (timestamp, digest) = bytes.split_at_mut(8);
        timestamp.copy_from_slice(&self.timestamp.to_be_bytes());
        digest.copy_from_slice(&self.digest);
        bytes
    }

    pub(crate) fn from_bytes(bytes: &[u8; 40]) -> Self {
        let mut key = NodeKey { timestamp: 0, digest: [0; 32] };
        let (timestamp, digest) = bytes.split_at(8);
        for byte in timestamp {
            key.timestamp = key.timestamp << 8 | u64::from(*byte);
        }
        key.digest.copy_from_slice(digest);
        key
    }
}

/// The first bits of keys: all keys that begin with them are meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Prefix<const N: usize> {
    /// The known bits, then zeros.
    pub(crate) key: [u8; N],
    pub(crate) bits: usize,
}

impl<const N: usize> Prefix<N> {
    /// The prefix of every key.
    pub(crate) const EMPTY: Self = Prefix { key: [0; N], bits: 0 };

    /// This prefix and one bit more.
    pub(crate) fn with_bit(mut self, one: bool) -> Self {
        if let Some(byte) = self.key.get_mut(self.bits / 8)
            && one
        {
            *byte |= 0x80 >> (self.bits % 8);
        }
        self.bits += 1;
        self
    }

    /// Whether a key from `first` to `last` may begin so.
    pub(crate) fn meets(&self, first: &[u8; N], last: &[u8; N]) -> bool {
        // The smallest key with this prefix ends in zeros, the largest in ones.
        let mut largest = self.key;
        for (at, byte) in largest.iter_mut().enumerate() {
            *byte |= ones_after(self.bits, at);
        }
        self.key <= *last && largest >= *first
    }

    /// Reads the rest of the bits up to `bits`: the bytes from the one that holds the first unknown bit
    /// on.
    pub(crate) fn read(&self, bits: usize, bytes: &mut Bytes<'_>) -> Result<Self, ProofError> {
        let told = bytes.take(self.bytes_up_to(bits))?;
        self.extended(told, bits).ok_or(ProofError::Malformed)
    }

    /// Takes on more bits, which come as the bytes from the one that holds the first unknown bit on.
    /// `None` where they contradict the known bits, or have ones beyond `bits`.
    fn extended(&self, bytes: &[u8], bits: usize) -> Option<Self> {
        let mut longer = Prefix { key: self.key, bits };
        let places = longer.key.iter_mut().enumerate().skip(self.bits / 8);
        for ((at, place), byte) in places.zip(bytes) {
            let unknown = ones_after(self.bits, at);
            let beyond = ones_after(bits, at);
            if *place != *byte & !unknown || byte & beyond != 0 {
                return None;
            }
            *place = *byte;
        }
        Some(longer)
    }

    /// How many bytes tell the bits up to `bits`; see [`extended`](Self::extended).
    fn bytes_up_to(&self, bits: usize) -> usize {
        if bits == self.bits { 0 } else { bits.div_ceil(8).saturating_sub(self.bits / 8) }
    }
}

/// Ones in this byte of a key for every bit from `bits` on.
fn ones_after(bits: usize, byte: usize) -> u8 {
    match bits.saturating_sub(8 * byte) {
        0 => 0xff,
        known @ 1..8 => 0xff >> known,
        _ => 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prefixes_meet_intervals() {
        // 0b101…
        let prefix = Prefix::<2>::EMPTY.with_bit(true).with_bit(false).with_bit(true);
        assert_eq!(prefix, Prefix { key: [0xa0, 0], bits: 3 });
        assert!(prefix.meets(&[0xa0, 0], &[0xa0, 0]) && prefix.meets(&[0xbf, 0xff], &[0xff, 0xff]));
        assert!(prefix.meets(&[0, 0], &[0xff, 0xff]) && prefix.meets(&[0xb0, 1], &[0xb0, 2]));
        assert!(!prefix.meets(&[0, 0], &[0x9f, 0xff]) && !prefix.meets(&[0xc0, 0], &[0xff, 0xff]));
        assert!(Prefix::<2>::EMPTY.meets(&[7, 7], &[7, 7]));
    }

    #[test]
    fn prefixes_are_extended_by_what_agrees_with_them() {
        let prefix = Prefix::<3> { key: [0xff, 0x80, 0], bits: 9 };
        assert_eq!(prefix.bytes_up_to(12), 1);
        assert_eq!(prefix.bytes_up_to(17), 2);
        assert_eq!(prefix.bytes_up_to(9), 0);
        assert_eq!(prefix.extended(&[0xa0], 12), Some(Prefix { key: [0xff, 0xa0, 0], bits: 12 }));
        assert_eq!(prefix.extended(&[0x20], 12), None, "bit 8 is known to be 1");
        assert_eq!(prefix.extended(&[0xa8], 12), None, "bit 12 is not part of it");
        assert_eq!(prefix.extended(&[], 9), Some(prefix));
        assert_eq!(
            prefix.extended(&[0x81, 0x80], 17),
            Some(Prefix { key: [0xff, 0x81, 0x80], bits: 17 })
        );
    }
}
