//! Nodes on their way in.

use std::cell::RefCell;

use wasm_bindgen::JsValue;
use wasm_bindgen::prelude::wasm_bindgen;

use super::answer::reply;
use super::record::read_nodes;
use crate::{DagNode, Limits};

/// Nodes that come in chunk by chunk, checked, to be staged or inserted all at once.
#[wasm_bindgen]
#[derive(Debug)]
pub struct Nodes {
    limits: Limits,
    nodes: RefCell<Vec<DagNode>>,
}

impl Nodes {
    pub(super) fn new(limits: Limits) -> Self {
        Nodes { limits, nodes: RefCell::default() }
    }

    pub(super) fn take(&self) -> Vec<DagNode> {
        self.nodes.take()
    }
}

#[wasm_bindgen]
impl Nodes {
    /// Adds the nodes in the question.
    pub fn push(&self, length: usize) -> JsValue {
        reply(&read_nodes(length, &self.limits, &mut self.nodes.borrow_mut()))
    }
}
