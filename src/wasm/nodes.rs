//! Nodes on their way in.

use std::cell::RefCell;

use wasm_bindgen::prelude::wasm_bindgen;

use super::answer::reply;
use super::record::read_nodes;
use crate::chunked::Chunked;
use crate::platform;
use crate::{DagNode, Limits};

/// Nodes that come in chunk by chunk, checked, to be staged or inserted all at once.
#[wasm_bindgen]
#[derive(Debug)]
pub struct Nodes {
    limits: Limits,
    taken: RefCell<Taken>,
}

/// Nodes that were checked against the limits of their store.
#[derive(Debug, Default)]
pub(super) struct Taken {
    pub(super) nodes: Chunked<DagNode>,
    pub(super) bytes: usize,
}

impl Nodes {
    pub(super) fn new(limits: Limits) -> Self {
        Nodes { limits, taken: RefCell::default() }
    }

    pub(super) fn take(&self) -> Taken {
        self.taken.take()
    }
}

#[wasm_bindgen]
impl Nodes {
    /// Adds the nodes in the question.
    pub fn push(&self, length: usize) -> bool {
        let mut taken = self.taken.borrow_mut();
        // The shortest records have about a hundred bytes.
        let room = platform::reserve(taken.nodes.growth(length / 64));
        reply(&room.and_then(|()| {
            read_nodes(length, &self.limits, |node| {
                taken.bytes += node.as_bytes().len();
                taken.nodes.push(node);
            })
        }))
    }
}
