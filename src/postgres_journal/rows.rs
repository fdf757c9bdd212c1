//! What a group of commits changes in the tables that people query.

use std::collections::HashMap;

use crate::dag_json;
use crate::digest::Digest;
use crate::id;
use crate::segment::{self, Recorded};
use crate::{Cid, DagNode, Ipld, Segment};

/// Bytes of blocks that one statement inserts, about.
const SLICE: usize = 4 << 20;

/// The rows of a group.
#[derive(Debug, Default)]
pub(super) struct Rows {
    pub(super) commits: Commits,
    /// Nodes that leave the tables, if they are there.
    pub(super) removed: Vec<String>,
    /// Nodes that come, in slices for one statement each.
    pub(super) slices: Vec<Slice>,
}

/// Columns of commits.
#[derive(Debug, Default)]
pub(super) struct Commits {
    pub(super) sequence: Vec<i64>,
    pub(super) cid: Vec<String>,
    pub(super) id: Vec<Option<Vec<u8>>>,
    pub(super) state_hash: Vec<Option<Vec<u8>>>,
    pub(super) inserted: Vec<Option<i32>>,
    pub(super) removed: Vec<Option<i32>>,
}

/// Columns of nodes and of edges.
#[derive(Debug, Default)]
pub(super) struct Slice {
    pub(super) cid: Vec<String>,
    pub(super) sequence: Vec<i64>,
    pub(super) place: Vec<i32>,
    pub(super) scope: Vec<Option<String>>,
    pub(super) event_type: Vec<Option<String>>,
    pub(super) timestamp: Vec<i64>,
    pub(super) block: Vec<Block>,
    pub(super) content: Vec<Option<String>>,
    pub(super) child: Vec<String>,
    pub(super) edge: Vec<i32>,
    pub(super) parent: Vec<String>,
    bytes: usize,
}

/// A block that is not copied on its way to the database.
pub(super) type Block = std::sync::Arc<[u8]>;

impl Rows {
    /// The rows of these segments. Of one that can't be read, which only a later version can have written, there
    /// is the bare commit.
    pub(super) fn of(segments: &[Segment]) -> Self {
        let mut rows = Rows::default();
        let read: Vec<_> = segments.iter().map(|segment| segment::trusted(segment).ok()).collect();
        for (segment, recorded) in segments.iter().zip(&read) {
            rows.commits.push(segment, recorded.as_ref());
        }
        let mut last: HashMap<Digest, (i64, usize, &DagNode)> = HashMap::new();
        for Recorded { commit, nodes } in read.iter().flatten() {
            for cid in &commit.removed {
                rows.removed.push(cid.to_string());
                if let Ok(digest) = id::digest_of(cid) {
                    last.remove(&digest);
                }
            }
            for (place, node) in nodes.iter().enumerate() {
                last.insert(*node.digest(), (signed(commit.sequence), place, node));
            }
        }
        let mut nodes: Vec<_> = last.into_values().collect();
        nodes.sort_unstable_by_key(|(sequence, place, _)| (*sequence, *place));
        for (sequence, place, node) in nodes {
            if rows.slices.last().is_none_or(|slice| slice.bytes >= SLICE) {
                rows.slices.push(Slice::default());
            }
            if let Some(slice) = rows.slices.last_mut() {
                slice.push(sequence, place, node);
            }
        }
        rows
    }
}

impl Commits {
    fn push(&mut self, segment: &Segment, recorded: Option<&Recorded>) {
        let commit = recorded.map(|recorded| &recorded.commit);
        let count = |cids: &Vec<Cid>| i32::try_from(cids.len()).unwrap_or(i32::MAX);
        self.sequence.push(signed(segment.sequence));
        self.cid.push(segment.commit.to_string());
        self.id.push(commit.map(|commit| commit.id.as_bytes().to_vec()));
        let hash = commit.and_then(|commit| commit.state_hash);
        self.state_hash.push(hash.map(|hash| hash.as_bytes().to_vec()));
        self.inserted.push(commit.map(|commit| count(&commit.inserted)));
        self.removed.push(commit.map(|commit| count(&commit.removed)));
    }
}

impl Slice {
    fn push(&mut self, sequence: i64, place: usize, node: &DagNode) {
        let cid = id::cid_of(node.digest()).to_string();
        for (edge, parent) in (0..).zip(node.parent_digests()) {
            self.child.push(cid.clone());
            self.edge.push(edge);
            self.parent.push(id::cid_of(parent).to_string());
        }
        self.bytes += node.as_bytes().len();
        self.cid.push(cid);
        self.sequence.push(sequence);
        self.place.push(i32::try_from(place).unwrap_or(i32::MAX));
        self.scope.push(text(node.scope_id()));
        self.event_type.push(text(node.event_type_name()));
        self.timestamp.push(signed(node.timestamp()));
        self.block.push(node.to_block());
        let content = node.content().ok().filter(is_json);
        self.content.push(content.as_ref().map(dag_json::write));
    }
}

/// Text as `PostgreSQL` can keep it, which has no place for U+0000.
fn text(text: &str) -> Option<String> {
    (!text.contains('\0')).then(|| text.to_owned())
}

/// Whether JSON, as `PostgreSQL` keeps it, has a place for all of a value.
fn is_json(value: &Ipld) -> bool {
    let mut left = vec![value];
    while let Some(value) = left.pop() {
        match value {
            Ipld::Bytes(_) | Ipld::Link(_) => return false,
            Ipld::String(text) if text.contains('\0') => return false,
            Ipld::Map(entries) if entries.keys().any(|key| key.contains('\0')) => return false,
            Ipld::List(items) => left.extend(items),
            Ipld::Map(entries) => left.extend(entries.values()),
            _ => {}
        }
    }
    true
}

/// A number of ours, which are below 2^53, as the database has it.
pub(super) fn signed(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}
