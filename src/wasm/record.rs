//! What JavaScript asks, as bytes: records, which hold a block each, and CIDs. `record.js` writes it.

use super::scratch;
use crate::digest::Digest;
use crate::id::{self, CID_BYTES};
use crate::platform;
use crate::{Cid, DagError, DagNode, ErrorKind, Limits, Result, ToCid};

/// Reads the one node in the question.
pub(super) fn read_node(length: usize, limits: &Limits) -> Result<DagNode> {
    let mut read = None;
    read_nodes(length, limits, |node| read = Some(node))?;
    read.ok_or_else(malformed)
}

/// Reads the nodes in the question.
///
/// A record is the block's length (four bytes, little endian), a byte that says whether a CID is
/// claimed for it, that CID if so, and the block.
pub(super) fn read_nodes(
    length: usize,
    limits: &Limits,
    mut take_in: impl FnMut(DagNode),
) -> Result<()> {
    platform::reserve(2 * length)?;
    scratch::read(length, |mut rest| {
        while let Some((head, after)) = rest.split_first_chunk::<5>() {
            let [a, b, c, d, claimed] = *head;
            rest = after;
            let claim =
                if claimed == 0 { None } else { Some(take(&mut rest, CID_BYTES)?.to_cid()?) };
            let block = take(&mut rest, u32::from_le_bytes([a, b, c, d]) as usize)?;
            let node = DagNode::decode_with(block, limits)?;
            if let Some(claim) = claim
                && node.cid()? != claim
            {
                return Err(DagError::new(
                    ErrorKind::InvalidCid,
                    "the node does not have the CID given with it",
                )
                .with_cid(claim));
            }
            take_in(node);
        }
        Ok(())
    })
}

/// Reads the CIDs in the question.
pub(super) fn read_cids(length: usize) -> Result<Vec<Cid>> {
    platform::reserve(length / CID_BYTES * 2 * size_of::<Cid>())?;
    scratch::read(length, |bytes| bytes.chunks(CID_BYTES).map(ToCid::to_cid).collect())
}

/// Reads the one CID in the question.
pub(super) fn read_cid(length: usize) -> Result<Cid> {
    scratch::read(length, ToCid::to_cid)
}

/// Reads the digest in the one CID in the question.
pub(super) fn read_digest(length: usize) -> Result<Digest> {
    id::digest_of(&read_cid(length)?)
}

fn take<'a>(rest: &mut &'a [u8], length: usize) -> Result<&'a [u8]> {
    let (taken, after) = rest.split_at_checked(length).ok_or_else(malformed)?;
    *rest = after;
    Ok(taken)
}

fn malformed() -> DagError {
    DagError::new(ErrorKind::InvalidArgument, "a record is cut short")
}
