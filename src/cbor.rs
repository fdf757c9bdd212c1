//! Canonical DAG-CBOR: written from and read into [`Ipld`], and walked without building anything.
//!
//! Nothing here recurses, and nothing is allocated on the word of a length that the input claims.
//! The rules are those of `docs/spec.md`, section "Canonical DAG-CBOR"; they are stricter than the
//! libraries of the field in one point: a float that is an integer within ±(2^53−1) is written as
//! that integer, because JavaScript can't tell the two apart.

mod read;
mod write;

pub(crate) use self::read::Reader;
pub(crate) use self::write::{
    write_bytes, write_list, write_map, write_null, write_text, write_unsigned, write_value,
};
use crate::{DagError, ErrorKind, Ipld};

/// CBOR's major types, as they stand in the three high bits of a head.
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

const FALSE: u8 = 0xf4;
pub(crate) const TRUE: u8 = 0xf5;
pub(crate) const NULL: u8 = 0xf6;
const FLOAT64: u8 = 0xfb;
/// The tag of a link.
const LINK: u64 = 42;
/// What stands between a link's byte string header and its CID: the multibase prefix "identity".
const LINK_PREFIX: u8 = 0;
/// The largest integer that JavaScript's numbers hold exactly: 2^53 − 1.
pub(crate) const MAX_SAFE: u64 = (1 << 53) - 1;

/// A nesting of lists and maps over the limit.
fn too_deep(most: usize) -> DagError {
    DagError::new(
        ErrorKind::Limit,
        format!("content nests lists and maps more than {most} deep, which is the limit"),
    )
}

fn invalid(message: impl Into<String>) -> DagError {
    DagError::new(ErrorKind::InvalidNode, message)
}

/// The integer within ±(2^53−1) that a float is, if it is one; 0 for −0.
#[allow(
    clippy::cast_possible_truncation,
    clippy::cast_precision_loss,
    clippy::float_cmp,
    reason = "both types hold these integers exactly, and exactly equal is what is asked"
)]
fn safe_integer(float: f64) -> Option<i64> {
    (float.trunc() == float && float.abs() <= MAX_SAFE as f64).then_some(float as i64)
}

/// Takes a value apart without recursion, however deep it is. (Dropping it whole recurses, and
/// content that was refused for its depth may be deep enough to overflow the stack that way.)
pub(crate) fn dismantle(value: Ipld) {
    let mut left = vec![value];
    while let Some(value) = left.pop() {
        match value {
            Ipld::List(items) => left.extend(items),
            Ipld::Map(map) => left.extend(map.into_values()),
            _ => {}
        }
    }
}
