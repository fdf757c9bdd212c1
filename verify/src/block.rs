//! What a node's block says about it, as far as proofs need it.

use crate::ProofError;
use crate::bytes::Bytes;
use crate::hash::hash;
use crate::key::NodeKey;

const LONGEST_NAME: usize = 255;
/// The largest timestamp, 2^53 − 1.
const MAX_SAFE: u64 = (1 << 53) - 1;

/// The kinds of CBOR items (RFC 8949, section 3.1).
mod major {
    pub(super) const UNSIGNED: u8 = 0;
    pub(super) const NEGATIVE: u8 = 1;
    pub(super) const BYTES: u8 = 2;
    pub(super) const TEXT: u8 = 3;
    pub(super) const LIST: u8 = 4;
    pub(super) const MAP: u8 = 5;
    pub(super) const TAG: u8 = 6;
    pub(super) const SIMPLE: u8 = 7;
}

/// A node's place in the state, and its type.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Facts<'a> {
    pub(crate) key: NodeKey,
    pub(crate) scope_id: &'a [u8],
    pub(crate) event_type: &'a [u8],
}

impl<'a> Facts<'a> {
    /// Finds them in a block.
    ///
    /// The fields must stand where they stand in every node's block, so that there is one way to read
    /// it; content and parents are passed over without a look at what they mean. A store has checked
    /// them, and its hash speaks of no block that it refused.
    pub(crate) fn of(block: &'a [u8]) -> Result<Self, ProofError> {
        let mut bytes = Bytes::new(block);
        match head(&mut bytes)? {
            (major::MAP, 5) => {}
            (major::MAP, 6) => {
                field(&mut bytes, "nonce")?;
                skip(&mut bytes)?;
            }
            _ => return Err(ProofError::InvalidBlock),
        }
        field(&mut bytes, "content")?;
        skip(&mut bytes)?;
        field(&mut bytes, "parents")?;
        skip(&mut bytes)?;
        field(&mut bytes, "scope_id")?;
        let scope_id = text(&mut bytes)?;
        field(&mut bytes, "timestamp")?;
        let (major::UNSIGNED, timestamp @ 0..=MAX_SAFE) = head(&mut bytes)? else {
            return Err(ProofError::InvalidBlock);
        };
        field(&mut bytes, "event_type")?;
        let event_type = text(&mut bytes)?;
        let names = [scope_id, event_type];
        if !bytes.is_empty() || names.iter().any(|name| !(1..=LONGEST_NAME).contains(&name.len())) {
            return Err(ProofError::InvalidBlock);
        }
        Ok(Facts { key: NodeKey { timestamp, digest: hash(&[block]) }, scope_id, event_type })
    }

    pub(crate) fn event_type_text(&self) -> Result<&'a str, ProofError> {
        str::from_utf8(self.event_type).map_err(|_| ProofError::InvalidBlock)
    }
}

/// Reads the head of an item: its kind and its argument, in the shortest form.
fn head(bytes: &mut Bytes<'_>) -> Result<(u8, u64), ProofError> {
    let first = bytes.byte().map_err(invalid)?;
    let (major, small) = (first >> 5, first & 0x1f);
    let width = match small {
        0..=23 => return Ok((major, small.into())),
        24..=27 => 1 << (small - 24),
        _ => return Err(ProofError::InvalidBlock),
    };
    let digits = bytes.take(width).map_err(invalid)?;
    let argument = digits.iter().fold(0, |argument, byte| argument << 8 | u64::from(*byte));
    let could_be_shorter = match width {
        1 => argument < 24,
        _ => argument >> (4 * width) == 0,
    };
    // A float is not an argument: all its bytes count.
    if could_be_shorter && !(major == major::SIMPLE && width == 8) {
        return Err(ProofError::InvalidBlock);
    }
    Ok((major, argument))
}

/// Passes over an item and all within it. Each item has a byte at least, so it ends with the bytes.
fn skip(bytes: &mut Bytes<'_>) -> Result<(), ProofError> {
    let mut left = 1_u64;
    while left > 0 {
        left -= 1;
        let (major, argument) = head(bytes)?;
        let within = match major {
            major::UNSIGNED | major::NEGATIVE | major::SIMPLE => 0,
            major::BYTES | major::TEXT => {
                take(bytes, argument)?;
                0
            }
            major::LIST => argument,
            major::MAP => argument.checked_mul(2).ok_or(ProofError::InvalidBlock)?,
            major::TAG => 1,
            _ => return Err(ProofError::InvalidBlock),
        };
        left = left.checked_add(within).ok_or(ProofError::InvalidBlock)?;
    }
    Ok(())
}

/// Takes a key of the node's map.
fn field(bytes: &mut Bytes<'_>, name: &str) -> Result<(), ProofError> {
    if text(bytes)? == name.as_bytes() { Ok(()) } else { Err(ProofError::InvalidBlock) }
}

fn text<'a>(bytes: &mut Bytes<'a>) -> Result<&'a [u8], ProofError> {
    match head(bytes)? {
        (major::TEXT, length) => take(bytes, length),
        _ => Err(ProofError::InvalidBlock),
    }
}

fn take<'a>(bytes: &mut Bytes<'a>, length: u64) -> Result<&'a [u8], ProofError> {
    let length = usize::try_from(length).map_err(|_| ProofError::InvalidBlock)?;
    bytes.take(length).map_err(invalid)
}

fn invalid(_: ProofError) -> ProofError {
    ProofError::InvalidBlock
}
