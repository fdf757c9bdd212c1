//! Why something does not verify.

use core::fmt;

/// Why a proof does not verify.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ProofError {
    /// The proof is of a later version; a newer verifier may know it.
    UnsupportedVersion,
    /// The bytes are no proof of what was asked: cut short, too long, or not in the one form they may
    /// have.
    Malformed,
    /// The proof leaves closed, or leaves out, a part where there may be more entries.
    Incomplete,
    /// The proof is of another state than the one with this hash, or was changed.
    OtherState,
    /// The node is not in the state, though its presence was to be shown.
    Absent,
    /// The node is in the state, though its absence was to be shown.
    Present,
    /// The block is no node's in the format that this version knows.
    InvalidBlock,
    /// The block is not that of the entry: another node's, or the entry tells lies about its node.
    OtherBlock,
}

impl fmt::Display for ProofError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            ProofError::UnsupportedVersion => "the proof is of a later version",
            ProofError::Malformed => "the proof is malformed",
            ProofError::Incomplete => "the proof leaves out a part where there may be more",
            ProofError::OtherState => "the proof does not lead to this state hash",
            ProofError::Absent => "the node is not in this state",
            ProofError::Present => "the node is in this state",
            ProofError::InvalidBlock => "the block is not a node's",
            ProofError::OtherBlock => "the block is not that of the entry",
        })
    }
}

impl core::error::Error for ProofError {}
