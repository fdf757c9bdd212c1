//! The nodes that everybody is given: some 350 bytes each, 200 of them text.

use dag_store::{Changes, Cid, DagNode, Result};

const TEXT: &str = "The quick brown fox jumps over the lazy dog. ";
pub const SCOPE: &str = "garden-coop";
pub const EVENT: &str = "proposal";
/// Milliseconds: that of the first.
pub const EPOCH: u64 = 1_700_000_000_000;

/// A node's text: 200 characters.
pub fn text(number: usize) -> String {
    let mut text = format!("{number} ");
    while text.len() < 200 {
        text.push_str(TEXT);
    }
    text.truncate(200);
    text
}

pub fn timestamp(number: usize) -> u64 {
    EPOCH + number as u64
}

pub fn node(number: usize, text: &str, parents: impl IntoIterator<Item = Cid>) -> Result<DagNode> {
    DagNode::builder()
        .content(text)
        .event_type(EVENT)
        .scope_id(SCOPE)
        .timestamp(timestamp(number))
        .parents(parents)
        .build()
}

/// Nodes one after another, each the child of the one before.
#[derive(Debug, Default)]
pub struct Chain {
    count: usize,
    last: Option<Cid>,
}

impl Chain {
    pub fn next(&mut self) -> Result<DagNode> {
        let node = node(self.count, &text(self.count), self.last)?;
        self.count += 1;
        self.last = Some(node.cid()?);
        Ok(node)
    }

    pub fn take(&mut self, count: usize) -> Result<Vec<DagNode>> {
        (0..count).map(|_| self.next()).collect()
    }
}

pub fn inserting(nodes: impl IntoIterator<Item = DagNode>) -> Changes {
    let mut changes = Changes::new();
    for node in nodes {
        changes.insert(node);
    }
    changes
}
