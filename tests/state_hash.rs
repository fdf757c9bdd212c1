//! The store's state hash against the slow and obvious one of `tests/reference`, over random
//! inserts, removes, batches and orders, with timestamps and digests that are meant to hurt.
//!
//! A run prints its seed when it fails; `STATE_HASH_SEED=<seed> cargo test --test state_hash` repeats it.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]

mod random;
mod reference;

use std::collections::BTreeMap;
use std::sync::Arc;

use dag_store::{Cid, DagNode, DagNodeBuilder, DagStoreExt, Ipld, SharedDagStore};
use futures::executor::block_on;
use random::Random;
use reference::Leaf;
use sha2::{Digest as _, Sha256};

fn leaf_of(node: &DagNode) -> Leaf {
    Leaf {
        scope_id: node.scope_id().to_owned(),
        timestamp: node.timestamp(),
        event_type: node.event_type().as_str().to_owned(),
        digest: node.cid().unwrap().hash().digest().try_into().unwrap(),
    }
}

/// A store, and what should be in it.
struct Pair {
    store: Arc<SharedDagStore>,
    model: BTreeMap<Cid, DagNode>,
}

impl Pair {
    fn new() -> Self {
        Pair { store: Arc::new(SharedDagStore::new()), model: BTreeMap::new() }
    }

    fn some_cid(&self, random: &mut Random) -> Option<Cid> {
        let at = random.below(self.model.len().max(1));
        self.model.keys().nth(at).copied()
    }

    fn has_children(&self, cid: Cid) -> bool {
        self.model.values().any(|node| node.parents().contains(&cid))
    }

    async fn insert(&mut self, node: DagNode) {
        self.store.insert(node.clone()).await.unwrap();
        self.model.insert(node.cid().unwrap(), node);
    }

    async fn remove(&mut self, cid: Cid) {
        assert!(self.store.remove(cid).await.unwrap());
        self.model.remove(&cid).unwrap();
    }

    async fn assert_same(&self, scopes: &[&str]) {
        let leaves: Vec<Leaf> = self.model.values().map(leaf_of).collect();
        let hash = self.store.get_state_hash().await.unwrap();
        assert_eq!(*hash.as_bytes(), reference::state_hash(&leaves));
        for scope in scopes {
            let hash = self.store.state_hash(Some(scope)).await.unwrap();
            assert_eq!(*hash.as_bytes(), reference::scope_hash(scope, &leaves), "scope {scope}");
        }
    }
}

const SCOPES: [&str; 6] = ["a", "aa", "aaa", "b", "\u{8a9e}", "seldom"];

/// Timestamps at the ends and on both sides of powers of two, and often the same.
fn hostile_timestamp(random: &mut Random) -> u64 {
    let power = 1 << random.below(53);
    match random.below(6) {
        0 => 0,
        1 => (1 << 53) - 1,
        2 => power,
        3 => power - 1,
        4 => 1_735_689_600_000,
        _ => random.next() >> 11,
    }
}

fn some_node(random: &mut Random, pair: &Pair) -> DagNode {
    let seldom = random.one_in(20);
    let scope = if seldom { "seldom" } else { SCOPES[random.below(5)] };
    let event_type = match random.below(4) {
        0 => "t".repeat(64 + random.below(2)),
        1 => "t".repeat(255),
        _ => "vote".to_owned(),
    };
    let mut parents: Vec<Cid> =
        (0..random.below(3)).filter_map(|_| pair.some_cid(random)).collect();
    parents.dedup();
    DagNodeBuilder::new()
        .content(i128::from(random.next()))
        .event_type(event_type)
        .scope_id(scope)
        .timestamp(hostile_timestamp(random))
        .parents(parents)
        .build()
        .unwrap()
}

/// Inserts and removes in one batch, staged in any order; now and then rolled back, or dropped.
async fn some_batch(random: &mut Random, pair: &mut Pair) {
    let nodes: Vec<DagNode> = (0..random.below(12)).map(|_| some_node(random, pair)).collect();
    let parents: Vec<Cid> = nodes.iter().flat_map(DagNode::parents).collect();
    let mut removes: Vec<Cid> =
        (0..random.below(8)).filter_map(|_| pair.some_cid(random)).collect();
    removes.retain(|cid| !parents.contains(cid) && !pair.has_children(*cid));

    let mut operations: Vec<Result<&DagNode, &Cid>> =
        nodes.iter().map(Ok).chain(removes.iter().map(Err)).collect();
    random.shuffle(&mut operations);
    let mut batch = pair.store.begin_batch().await;
    for operation in operations {
        match operation {
            Ok(node) => drop(batch.insert(node.clone()).await.unwrap()),
            Err(cid) => batch.remove(cid).await.unwrap(),
        }
    }
    match random.below(8) {
        0 => batch.rollback(),
        1 => drop(batch),
        _ => {
            batch.commit().await.unwrap();
            pair.model.retain(|cid, _| !removes.contains(cid));
            pair.model.extend(nodes.iter().map(|node| (node.cid().unwrap(), node.clone())));
        }
    }
}

#[test]
fn agrees_with_the_reference_at_every_step() {
    let mut random = Random::new("STATE_HASH_SEED");
    for _ in 0..4 {
        let mut pair = Pair::new();
        let mut most = 0;
        // Growing at first, then shrinking to nothing.
        for step in 0..200 {
            let grows = step < 120;
            block_on(async {
                match (random.below(4), pair.some_cid(&mut random)) {
                    (0 | 1, _) if grows => some_batch(&mut random, &mut pair).await,
                    (2, _) | (_, None) if grows => {
                        let node = some_node(&mut random, &pair);
                        pair.insert(node).await;
                    }
                    (_, Some(cid)) if !pair.has_children(cid) => pair.remove(cid).await,
                    _ => {}
                }
                // Not at every step, so that changes pile up before they are hashed.
                if random.one_in(3) {
                    pair.assert_same(&SCOPES).await;
                }
                most = most.max(pair.model.len());
            });
        }
        assert!(most > 50, "a run that grows: {most}");
        block_on(async {
            while let Some(cid) = pair.model.keys().copied().find(|cid| !pair.has_children(*cid)) {
                pair.remove(cid).await;
            }
            pair.assert_same(&SCOPES).await;
        });
    }
}

#[test]
fn does_not_depend_on_the_order_or_on_what_came_and_went() {
    let mut random = Random::new("STATE_HASH_SEED");
    let mut first = Pair::new();
    block_on(async {
        for _ in 0..150 {
            let node = some_node(&mut random, &first);
            first.insert(node).await;
        }
        let mut nodes: Vec<DagNode> = first.model.values().cloned().collect();
        random.shuffle(&mut nodes);

        let mut second = Pair::new();
        let passing = some_node(&mut random, &second);
        second.insert(passing.clone()).await;
        second.store.get_state_hash().await.unwrap();
        let mut batch = second.store.begin_batch().await;
        batch.insert_many(nodes).await.unwrap();
        batch.commit().await.unwrap();
        second.store.remove(passing.cid().unwrap()).await.unwrap();

        let one = first.store.get_state_hash().await.unwrap();
        let two = second.store.get_state_hash().await.unwrap();
        assert_eq!(one, two);
        first.assert_same(&SCOPES).await;
    });
}

/// Nodes whose digests share 0, 1, 2, … bits with the first one's: a path of the trie as deep as an
/// attacker with this much patience gets it.
fn deep_path(bits: usize) -> Vec<DagNode> {
    let node = |nonce: u64| {
        let builder =
            DagNodeBuilder::new().content(Ipld::Null).event_type("vote").scope_id("hostile");
        builder.timestamp(7).nonce(nonce.to_be_bytes()).build().unwrap()
    };
    let first = node(0);
    let target = leaf_of(&first).digest;
    let mut block = first.as_bytes().to_vec();
    let nonce_at = block.windows(6).position(|bytes| bytes == b"\x65nonce").unwrap() + 7;

    let mut found: Vec<Option<u64>> = vec![None; bits];
    for nonce in 1_u64.. {
        if found.iter().all(Option::is_some) {
            break;
        }
        block[nonce_at..nonce_at + 8].copy_from_slice(&nonce.to_be_bytes());
        let digest = Sha256::digest(&block);
        let shared = (0..256)
            .take_while(|bit| (digest[bit / 8] ^ target[bit / 8]) & (0x80 >> (bit % 8)) == 0);
        if let Some(place) = found.get_mut(shared.count()) {
            place.get_or_insert(nonce);
        }
    }
    [first].into_iter().chain(found.into_iter().flatten().map(node)).collect()
}

#[test]
fn agrees_on_digests_that_were_searched_for() {
    let mut random = Random::new("STATE_HASH_SEED");
    let mut nodes = deep_path(14);
    assert_eq!(nodes.len(), 15);
    for _ in 0..4 {
        let mut pair = Pair::new();
        block_on(async {
            random.shuffle(&mut nodes);
            for node in &nodes {
                pair.insert(node.clone()).await;
                pair.assert_same(&["hostile"]).await;
            }
            random.shuffle(&mut nodes);
            for node in &nodes {
                pair.remove(node.cid().unwrap()).await;
                pair.assert_same(&["hostile"]).await;
            }
        });
    }
}
