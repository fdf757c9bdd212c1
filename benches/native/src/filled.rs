//! A store with many nodes in it.

use std::sync::Arc;

use anyhow::Result;
use dag_store::{Cid, SharedDagStore};
use futures::executor::block_on;

use crate::nodes::{Chain, inserting};

const BATCH: usize = 1_000;

/// A store, and what is in it.
#[derive(Debug)]
pub struct Filled {
    pub store: Arc<SharedDagStore>,
    pub ids: Vec<Cid>,
    /// Gives the nodes that come after those in the store.
    pub chain: Chain,
    /// Bytes of all blocks.
    pub encoded: usize,
}

impl Filled {
    /// A chain of so many nodes, and its state hash asked for once.
    pub fn new(count: usize) -> Result<Self> {
        let (store, mut chain) = (Arc::new(SharedDagStore::new()), Chain::default());
        let mut ids = Vec::with_capacity(count);
        let mut encoded = 0;
        for _ in 0..count / BATCH {
            let nodes = chain.take(BATCH)?;
            for node in &nodes {
                ids.push(node.cid()?);
                encoded += node.as_bytes().len();
            }
            block_on(store.commit(inserting(nodes)))?;
        }
        block_on(store.state_hash(None))?;
        Ok(Self { store, ids, chain, encoded })
    }

    /// The store itself, whose own methods box no futures; what a handle has from `DagStoreExt` does.
    pub fn bare(&self) -> &SharedDagStore {
        &self.store
    }

    /// So many ids, as if by chance.
    pub fn some(&self, dice: &mut Dice, count: usize) -> Vec<Cid> {
        (0..count).map(|_| self.ids[dice.below(self.ids.len())]).collect()
    }
}

/// Numbers that look like chance and are the same each time.
#[derive(Debug)]
pub struct Dice(pub u64);

impl Dice {
    pub fn below(&mut self, limit: usize) -> usize {
        self.0 =
            self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) as usize % limit
    }
}
