//! Where in a file each of its nodes stands.

use crate::chunked::Chunked;
use crate::digest::Digest;
use crate::id;
use crate::{DagError, ErrorKind};

/// Where nodes stand in a file, for the error of the commit, which no longer knows of a file.
///
/// Of a digest the beginning is kept, so it takes 16 bytes a node. Somebody who makes two nodes that begin
/// alike is told the place of the first.
#[derive(Debug, Default)]
pub(super) struct Places(Chunked<(u64, u64)>);

impl Places {
    /// Notes where a node stands.
    pub(super) fn note(&mut self, digest: &Digest, offset: u64) {
        self.0.push((beginning(digest), offset));
    }

    /// Bytes of memory to be allocated for so many more nodes.
    pub(super) fn growth(&self, more: usize) -> usize {
        self.0.growth(more)
    }

    /// Adds to an error that is about a node and its parent where that node stands.
    pub(super) fn locate(&self, error: DagError) -> DagError {
        let orphan = error.cid().filter(|_| error.kind() == ErrorKind::MissingParent);
        let Some(digest) = orphan.and_then(|cid| id::digest_of(cid).ok()) else { return error };
        let found = self.0.iter().find(|(node, _)| *node == beginning(&digest));
        found.map(|(_, offset)| *offset).into_iter().fold(error, DagError::with_offset)
    }
}

fn beginning(digest: &Digest) -> u64 {
    digest.first_chunk().map_or(0, |bytes| u64::from_le_bytes(*bytes))
}
