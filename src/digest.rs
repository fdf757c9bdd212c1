//! SHA-256, and what is named by it: nodes, and states of a store.

#[cfg(all(js_host, target_feature = "simd128"))]
mod lanes;

use std::fmt::{self, Write as _};
use std::str::FromStr;

use sha2::{Digest as _, Sha256};

use crate::{DagError, ErrorKind, Result};

/// 32 bytes of SHA-256. Within the crate a node goes by the digest in its CID, since all the rest of
/// a CID is the same for every node.
pub(crate) type Digest = [u8; 32];

pub(crate) fn sha256(bytes: &[u8]) -> Digest {
    Sha256::digest(bytes).into()
}

/// The hashes of four messages, which may take less time than one after the other.
#[cfg(not(all(js_host, target_feature = "simd128")))]
pub(crate) fn sha256_of_four(messages: [&[u8]; 4]) -> [Digest; 4] {
    messages.map(sha256)
}
#[cfg(all(js_host, target_feature = "simd128"))]
pub(crate) use self::lanes::sha256_of_four;

/// What is to be hashed, put together on the stack: feeding a hasher piece by piece costs more than
/// the copy.
pub(crate) struct Preimage<const CAPACITY: usize> {
    bytes: [u8; CAPACITY],
    length: usize,
}

impl<const CAPACITY: usize> Preimage<CAPACITY> {
    #[inline]
    pub(crate) fn new() -> Self {
        Preimage { bytes: [0; CAPACITY], length: 0 }
    }

    /// Adds bytes, of which there must not be more in all than the capacity.
    #[inline]
    pub(crate) fn add(mut self, bytes: &[u8]) -> Self {
        let end = self.length + bytes.len();
        self.bytes[self.length..end].copy_from_slice(bytes);
        self.length = end;
        self
    }

    #[inline]
    pub(crate) fn hash(&self) -> Digest {
        sha256(&self.bytes[..self.length])
    }
}

/// The state hash: one value that commits to the set of nodes in a store, or in one scope of it,
/// whatever their order of arrival. Its bytes are defined in `docs/spec.md`, section "State hash".
///
/// Printed and parsed as 64 lower-case hexadecimal digits.
///
/// # Examples
///
/// ```
/// use dag_store::StateHash;
///
/// let text = "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff";
/// let hash: StateHash = text.parse()?;
/// assert_eq!(hash.to_string(), text);
/// # Ok::<(), dag_store::DagError>(())
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct StateHash([u8; 32]);

impl StateHash {
    /// The hash as bytes.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl From<[u8; 32]> for StateHash {
    fn from(bytes: [u8; 32]) -> Self {
        StateHash(bytes)
    }
}

impl fmt::Display for StateHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_hex(f, &self.0)
    }
}

impl fmt::Debug for StateHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "StateHash({self})")
    }
}

impl FromStr for StateHash {
    type Err = DagError;

    fn from_str(text: &str) -> Result<Self> {
        parse_hex(text).map(StateHash).ok_or_else(|| {
            DagError::new(ErrorKind::InvalidArgument, "a state hash is 64 hexadecimal digits")
        })
    }
}

pub(crate) fn write_hex(f: &mut fmt::Formatter<'_>, bytes: &[u8]) -> fmt::Result {
    hex(bytes).try_for_each(|digit| f.write_char(digit.into()))
}

/// The same, without the machinery of formatting.
pub(crate) fn push_hex(bytes: &[u8], text: &mut String) {
    text.extend(hex(bytes).map(char::from));
}

pub(crate) fn hex(bytes: &[u8]) -> impl Iterator<Item = u8> {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let digit = |digit: u8| DIGITS[usize::from(digit)];
    bytes.iter().flat_map(move |byte| [digit(byte >> 4), digit(byte & 0xf)])
}

pub(crate) fn parse_hex<const N: usize>(text: &str) -> Option<[u8; N]> {
    let digits = text.as_bytes();
    if digits.len() != 2 * N {
        return None;
    }
    let mut bytes = [0; N];
    for (byte, pair) in bytes.iter_mut().zip(digits.chunks_exact(2)) {
        let [high, low] = [pair[0], pair[1]].map(|digit| char::from(digit).to_digit(16));
        *byte = u8::try_from(high? << 4 | low?).ok()?;
    }
    Some(bytes)
}
