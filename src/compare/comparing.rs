//! A comparison on its way: what it asks next, and what it makes of the answers. It knows no store, and
//! waits for nothing.

use std::cmp::Ordering;
use std::collections::BinaryHeap;
use std::sync::Arc;

use super::frontier::{Found, Frontier, Sub};
use super::{Difference, Side, lie};
use crate::digest::StateHash;
use crate::id;
use crate::platform;
use crate::state_trie::{self, NODE_KEY};
use crate::tree;
use crate::{Result, TreeAddress, TreeAnswer};

/// A comparison on its way.
#[derive(Debug)]
pub(super) struct Comparing {
    /// What is compared: the trie over the scopes, or that of a scope.
    whole: TreeAddress,
    /// The hashes of the states that are compared, or of the scope in them.
    pub(super) state_hashes: [StateHash; 2],
    /// The state hashes of the stores when their tops were read.
    moments: [StateHash; 2],
    /// How many parts were asked for so far.
    pub(super) visited: u64,
    /// The scopes that differ and are yet to be compared.
    scopes: BinaryHeap<Differing>,
    /// What is left of the tries that it is in: at first of the whole, then of one scope after the other.
    frontier: Frontier,
    /// Whose tries these are.
    scope_id: Option<Arc<str>>,
    /// Whether the tops have been read.
    has_begun: bool,
}

/// A scope that differs.
#[derive(Debug)]
struct Differing {
    scope_id: Arc<str>,
    subs: [Sub; 2],
}

/// A heap gives the largest first, and that is to be the first by the bytes of its id.
impl Ord for Differing {
    fn cmp(&self, other: &Self) -> Ordering {
        other.scope_id.cmp(&self.scope_id)
    }
}

impl PartialOrd for Differing {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Differing {
    fn eq(&self, other: &Self) -> bool {
        self.scope_id == other.scope_id
    }
}

impl Eq for Differing {}

impl Comparing {
    /// A comparison of whole stores, or of a scope.
    pub(super) fn new(scope_id: Option<Arc<str>>) -> Self {
        let none = StateHash::from([0; 32]);
        let whole = scope_id.clone().map_or_else(TreeAddress::scopes, TreeAddress::scope);
        Comparing {
            frontier: Frontier::unknown(whole.clone()),
            whole,
            state_hashes: [none; 2],
            moments: [none; 2],
            visited: 0,
            scopes: BinaryHeap::new(),
            scope_id,
            has_begun: false,
        }
    }

    /// Begins from the top again.
    pub(super) fn begin_anew(&mut self) {
        let visited = self.visited;
        *self = Comparing::new(self.whole.scope_id().map(Into::into));
        self.visited = visited;
    }

    /// The differences that are known by now and were not given yet, in order.
    pub(super) fn found(&mut self) -> Result<Vec<Difference>> {
        let mut differences = Vec::new();
        loop {
            while let Some(found) = self.frontier.found() {
                match (found, &self.scope_id) {
                    (Found::Node { side, key }, Some(scope_id)) => {
                        platform::reserve(2 * size_of::<Difference>())?;
                        differences.push(difference(scope_id, side, &key));
                    }
                    (Found::Scope { scope_id, subs }, None) => {
                        self.scopes.push(Differing { scope_id, subs });
                    }
                    _ => return Err(lie()),
                }
            }
            if !self.frontier.is_done() || !differences.is_empty() {
                return Ok(differences);
            }
            let Some(Differing { scope_id, subs }) = self.scopes.pop() else {
                return Ok(differences);
            };
            self.frontier = Frontier::new(TreeAddress::scope(Arc::clone(&scope_id)), subs);
            self.scope_id = Some(scope_id);
        }
    }

    /// Whether all is known, once what was found is given.
    pub(super) fn is_done(&self) -> bool {
        self.frontier.is_done()
    }

    /// What must be known of a store.
    pub(super) fn questions(&mut self, side: Side) -> Vec<TreeAddress> {
        let questions = self.frontier.questions(side);
        self.visited += questions.len() as u64;
        questions
    }

    /// Takes a store's answer in.
    pub(super) fn answer(&mut self, side: Side, answer: TreeAnswer) -> Result<()> {
        let TreeAnswer { state_hash, parts } = answer;
        let at = side as usize;
        if !self.has_begun {
            let part = parts.first().ok_or_else(lie)?;
            let root = part.hash(&self.whole);
            self.moments[at] = state_hash;
            self.state_hashes[at] = match self.whole.scope_id() {
                Some(scope_id) => tree::scope_hash(scope_id, part.nodes(), &root).into(),
                None => state_trie::state_hash(part.nodes(), &root),
            };
            // Of a scope alone, the state hash says nothing.
            if self.whole.scope_id().is_none() && self.state_hashes[at] != state_hash {
                return Err(lie());
            }
        }
        self.frontier.answer(side, parts, state_hash == self.moments[at])
    }

    /// Goes on from the answers to the next questions.
    pub(super) fn go_on(&mut self) -> Result<()> {
        self.has_begun = true;
        self.frontier.go_on()
    }

    /// How many pairs of subtrees are known to be left.
    pub(super) fn left(&self) -> usize {
        self.frontier.len()
    }
}

fn difference(scope_id: &Arc<str>, side: Side, key: &[u8; NODE_KEY]) -> Difference {
    let (mut time, mut digest) = ([0; 8], [0; 32]);
    time.copy_from_slice(&key[..8]);
    digest.copy_from_slice(&key[8..]);
    let (cid, timestamp) = (id::cid_of(&digest), u64::from_be_bytes(time));
    Difference { side, cid, scope_id: Arc::clone(scope_id), timestamp }
}
