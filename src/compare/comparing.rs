//! A comparison on its way: what it asks next, and what it makes of the answers. It knows no store, and
//! waits for nothing.

use std::cmp::Ordering;
use std::collections::BinaryHeap;
use std::sync::Arc;

use super::frontier::{Frontier, Known, Sub};
use super::{Difference, Side, lie};
use crate::digest::StateHash;
use crate::id;
use crate::state_trie;
use crate::tree::{self, TreeAddress, TreeAnswer, TreePart};
use crate::{Result, platform};

/// A comparison on its way.
#[derive(Debug)]
pub(super) struct Comparing {
    scope_id: Option<Arc<str>>,
    /// The hashes of the states that are compared, or of the scope in them.
    pub(super) state_hashes: [StateHash; 2],
    /// The state hashes of the stores when their tops were read.
    moments: [StateHash; 2],
    /// How many parts were read so far.
    pub(super) visited: u64,
    /// The scopes that differ and are yet to be compared.
    scopes: BinaryHeap<Differing>,
    at: At,
}

/// Where it is.
#[derive(Debug)]
enum At {
    /// The tops of the trees are yet to be read.
    Top,
    /// In the trie over the scopes.
    Scopes(Frontier),
    /// In the trie of a scope.
    Scope(Arc<str>, Frontier),
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
        Comparing {
            scope_id,
            state_hashes: [none; 2],
            moments: [none; 2],
            visited: 0,
            scopes: BinaryHeap::new(),
            at: At::Top,
        }
    }

    /// Begins from the top again.
    pub(super) fn begin_anew(&mut self) {
        self.scopes.clear();
        self.at = At::Top;
    }

    /// The differences that are known by now and were not given yet, in order.
    #[inline(never)]
    pub(super) fn found(&mut self) -> Result<Vec<Difference>> {
        let mut differences: Vec<Difference> = Vec::new();
        loop {
            match &mut self.at {
                At::Scopes(frontier) => {
                    while let Some(found) = frontier.found() {
                        self.scopes.extend(differing(found));
                    }
                }
                At::Scope(scope_id, frontier) => {
                    while let Some(found) = frontier.found() {
                        platform::reserve(2 * size_of::<Difference>())?;
                        differences.extend(differences_in(scope_id, &found));
                    }
                }
                At::Top => return Ok(differences),
            }
            // Each scope gives its own, so that none waits for the next.
            if !self.is_at_an_end() || !differences.is_empty() || !self.enter_scope() {
                return Ok(differences);
            }
        }
    }

    /// What must be known of the one store and of the other; `None` at the end.
    #[inline(never)]
    pub(super) fn questions(&mut self) -> Option<[Vec<TreeAddress>; 2]> {
        let questions = match &self.at {
            At::Top => [(); 2].map(|()| vec![self.place()]),
            At::Scopes(frontier) | At::Scope(_, frontier) if !frontier.is_done() => {
                frontier.questions()
            }
            _ => return None,
        };
        self.visited += questions.iter().map(|places| places.len() as u64).sum::<u64>();
        Some(questions)
    }

    /// Takes the answers in; none where nothing was asked.
    #[inline(never)]
    pub(super) fn answers(&mut self, answers: [Option<TreeAnswer>; 2]) -> Result<()> {
        if let At::Top = self.at {
            let place = self.place();
            let mut subs = [Sub::Nothing, Sub::Nothing];
            for (side, answer) in answers.into_iter().enumerate() {
                let answer = answer.ok_or_else(lie)?;
                self.moments[side] = answer.state_hash;
                (subs[side], self.state_hashes[side]) = top(&place, answer)?;
            }
            let frontier = Frontier::new(place, subs);
            self.at = match &self.scope_id {
                Some(scope_id) => At::Scope(Arc::clone(scope_id), frontier),
                None => At::Scopes(frontier),
            };
            return Ok(());
        }
        let moments = self.moments.iter();
        let mut answers = moments.zip(answers).map(|(moment, answer)| match answer {
            Some(TreeAnswer { state_hash, parts }) => (parts, state_hash == *moment),
            None => (Vec::new(), true),
        });
        let answers = [(); 2].map(|()| answers.next().unwrap_or_default());
        match &mut self.at {
            At::Scopes(frontier) | At::Scope(_, frontier) => frontier.go_on(answers),
            At::Top => Ok(()),
        }
    }

    /// How many pairs of subtrees are known to be left.
    pub(super) fn left(&self) -> usize {
        match &self.at {
            At::Scopes(frontier) | At::Scope(_, frontier) => frontier.len(),
            At::Top => 1,
        }
    }

    /// The whole of what is compared.
    fn place(&self) -> TreeAddress {
        self.scope_id.clone().map_or_else(TreeAddress::scopes, TreeAddress::scope)
    }

    fn is_at_an_end(&self) -> bool {
        match &self.at {
            At::Scopes(frontier) | At::Scope(_, frontier) => frontier.is_done(),
            At::Top => false,
        }
    }

    /// Goes on to the next scope that differs, if there is one.
    fn enter_scope(&mut self) -> bool {
        let Some(Differing { scope_id, subs }) = self.scopes.pop() else {
            return false;
        };
        let place = TreeAddress::scope(Arc::clone(&scope_id));
        self.at = At::Scope(scope_id, Frontier::new(place, subs));
        true
    }
}

/// The scope that was found to differ.
fn differing(found: [Option<Box<Known>>; 2]) -> Option<Differing> {
    let mut id = None;
    let subs = found.map(|known| match known.map(|known| known.part) {
        Some(TreePart::Scope { scope_id, nodes, root }) => {
            id = Some(scope_id);
            Sub::Promised { hash: root, most: nodes }
        }
        _ => Sub::Nothing,
    });
    id.map(|id| Differing { scope_id: id.into(), subs })
}

fn differences_in(
    scope_id: &Arc<str>,
    found: &[Option<Box<Known>>; 2],
) -> impl Iterator<Item = Difference> {
    [Side::Here, Side::There].into_iter().zip(found).filter_map(|(side, known)| {
        match known.as_ref().map(|known| &known.part) {
            Some(TreePart::Node { key, .. }) => {
                let (cid, timestamp) = (id::cid_of(&key.digest), key.timestamp);
                Some(Difference { side, cid, scope_id: Arc::clone(scope_id), timestamp })
            }
            _ => None,
        }
    })
}

/// Reads what a store answered about the top of a trie, and the hash of the state or scope that follows.
fn top(place: &TreeAddress, answer: TreeAnswer) -> Result<(Sub, StateHash)> {
    let [part] = <[TreePart; 1]>::try_from(answer.parts).map_err(|_| lie())?;
    let root = part.hash(place);
    let hash = match place.scope_id() {
        Some(name) => tree::scope_hash(name, part.nodes(), &root).into(),
        None => state_trie::state_hash(part.nodes(), &root),
    };
    // Of a scope alone, the state hash says nothing.
    let leads_there = place.scope_id().is_some() || hash == answer.state_hash;
    if leads_there && part.fits(place) { Ok((Sub::read(part, root), hash)) } else { Err(lie()) }
}
