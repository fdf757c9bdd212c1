//! What is left to be compared of two tries, and what was found.

use std::sync::Arc;

use super::{Side, changed, lie};
use crate::digest::Digest;
use crate::state_trie::NODE_KEY;
use crate::trie::{first_difference, side};
use crate::{Result, TreeAddress, TreePart};

/// How many pairs of subtrees are looked at in one go.
const WIDTH: usize = 1 << 8;

/// What is known of a subtree.
#[derive(Debug)]
pub(super) enum Sub {
    Nothing,
    /// Nothing is known.
    Unknown,
    /// What stands above it has told its hash, and that it has no more nodes than this.
    Promised {
        hash: Digest,
        most: u64,
    },
    /// It was read.
    Known(Box<Known>),
}

/// A subtree that was read, as far as its uppermost part.
#[derive(Debug)]
pub(super) struct Known {
    hash: Digest,
    nodes: u64,
    /// The bits that its keys share, and how many these are.
    prefix: [u8; NODE_KEY],
    bits: u16,
    /// The hashes of its halves; of a scope, the first is the root of its trie.
    below: [Digest; 2],
    /// The scope that it is.
    scope_id: Option<Arc<str>>,
}

impl Sub {
    fn hash(&self) -> Option<&Digest> {
        match self {
            Sub::Nothing | Sub::Unknown => None,
            Sub::Promised { hash, .. } => Some(hash),
            Sub::Known(known) => Some(&known.hash),
        }
    }

    fn known(&self) -> Option<&Known> {
        match self {
            Sub::Known(known) => Some(known),
            _ => None,
        }
    }

    /// Takes what it has of the keys whose bit `at`, the first in which any keys here differ, is `one`.
    fn take_half(&mut self, at: u16, one: usize) -> Sub {
        match self {
            Sub::Known(known) if known.bits == at => {
                Sub::Promised { hash: known.below[one], most: known.nodes - 1 }
            }
            Sub::Known(known) if side(&known.prefix, at) == one => {
                std::mem::replace(self, Sub::Nothing)
            }
            _ => Sub::Nothing,
        }
    }
}

/// What was found to differ.
#[derive(Debug)]
pub(super) enum Found {
    /// A node that is on this side only, by its key.
    Node { side: Side, key: [u8; NODE_KEY] },
    /// A scope, and its tries.
    Scope { scope_id: Arc<str>, subs: [Sub; 2] },
}

/// What is yet to be done, or to be told.
#[derive(Debug)]
enum Item {
    /// The subtrees that stand in one place of two tries, and differ.
    Pair {
        place: TreeAddress,
        subs: [Sub; 2],
    },
    Found(Found),
}

/// What is left of two tries, in the order of their keys.
///
/// Of that, so many pairs are taken in one go from the front: so that it goes deep before it goes wide,
/// and never holds more than `WIDTH` times the depth of the tries.
#[derive(Debug)]
pub(super) struct Frontier {
    /// The next one last.
    left: Vec<Item>,
}

impl Frontier {
    /// Two tries of which nothing is known.
    pub(super) fn unknown(place: TreeAddress) -> Self {
        Frontier { left: vec![Item::Pair { place, subs: [Sub::Unknown, Sub::Unknown] }] }
    }

    /// Two tries, by what is known of them.
    pub(super) fn new(place: TreeAddress, subs: [Sub; 2]) -> Self {
        let mut frontier = Frontier { left: Vec::new() };
        frontier.add(place, subs);
        frontier
    }

    pub(super) fn is_done(&self) -> bool {
        self.left.is_empty()
    }

    pub(super) fn len(&self) -> usize {
        self.left.len()
    }

    /// The next thing found; `None` where more must be asked before.
    pub(super) fn found(&mut self) -> Option<Found> {
        match self.left.pop_if(|item| matches!(item, Item::Found(_)))? {
            Item::Found(found) => Some(found),
            Item::Pair { .. } => None,
        }
    }

    /// What must be known on this side.
    pub(super) fn questions(&self, side: Side) -> Vec<TreeAddress> {
        let mut questions = Vec::new();
        for item in &self.left[self.next()..] {
            if let Item::Pair { place, subs } = item
                && let Sub::Promised { .. } | Sub::Unknown = subs[side as usize]
            {
                questions.push(place.clone());
            }
        }
        questions
    }

    /// Takes the answers in, which have been told while the store was as it had been, or not.
    pub(super) fn answer(
        &mut self,
        side: Side,
        parts: Vec<TreePart>,
        unchanged: bool,
    ) -> Result<()> {
        let mut parts = parts.into_iter();
        let from = self.next();
        for item in &mut self.left[from..] {
            if let Item::Pair { place, subs } = item {
                let sub = &mut subs[side as usize];
                if let Sub::Promised { .. } | Sub::Unknown = sub {
                    *sub = check(place, parts.next().ok_or_else(lie)?, sub, unchanged)?;
                }
            }
        }
        if parts.next().is_none() { Ok(()) } else { Err(lie()) }
    }

    /// Goes on from what was answered.
    pub(super) fn go_on(&mut self) -> Result<()> {
        for item in self.left.split_off(self.next()) {
            match item {
                Item::Pair { place, subs } => self.split(&place, subs)?,
                found @ Item::Found(_) => self.left.push(found),
            }
        }
        Ok(())
    }

    /// Where those begin that are taken in one go.
    fn next(&self) -> usize {
        self.left.len().saturating_sub(WIDTH)
    }

    /// Adds two subtrees, unless they are the same.
    fn add(&mut self, place: TreeAddress, subs: [Sub; 2]) {
        if subs[0].hash() != subs[1].hash() {
            self.left.push(Item::Pair { place, subs });
        }
    }

    /// Puts two subtrees that were read in two halves, at the first bit in which any of their keys differ.
    fn split(&mut self, place: &TreeAddress, mut subs: [Sub; 2]) -> Result<()> {
        if subs[0].hash() == subs[1].hash() {
            return Ok(());
        }
        let (prefix, bits) = match (subs[0].known(), subs[1].known()) {
            (Some(one), Some(other)) => {
                let shared = one.bits.min(other.bits);
                let difference = first_difference(&one.prefix, &other.prefix);
                (one.prefix, difference.unwrap_or(shared).min(shared))
            }
            (Some(only), None) | (None, Some(only)) => (only.prefix, only.bits),
            (None, None) => return Ok(()),
        };
        if bits == place.key_bits() {
            return self.find(prefix, &subs);
        }
        for one in [1, 0] {
            let mut half = prefix;
            let (byte, mask) = (usize::from(bits / 8), 0x80 >> (bits % 8));
            half[byte] = if one == 1 { half[byte] | mask } else { half[byte] & !mask };
            let [here, there] = &mut subs;
            let halves = [here.take_half(bits, one), there.take_half(bits, one)];
            self.add(place.narrowed(&half, bits + 1)?, halves);
        }
        Ok(())
    }

    /// Takes note of one key, which both have with different hashes, or only one has.
    fn find(&mut self, key: [u8; NODE_KEY], subs: &[Sub; 2]) -> Result<()> {
        let [here, there] = [subs[0].known(), subs[1].known()];
        let scope_id = here.or(there).and_then(|known| known.scope_id.clone());
        let found = match (scope_id, here.is_some(), there.is_some()) {
            (Some(scope_id), _, _) => {
                let promised =
                    |known: &Known| Sub::Promised { hash: known.below[0], most: known.nodes };
                let subs = [here, there].map(|known| known.map_or(Sub::Nothing, promised));
                Found::Scope { scope_id, subs }
            }
            (None, true, false) => Found::Node { side: Side::Here, key },
            (None, false, true) => Found::Node { side: Side::There, key },
            // A node's key is its digest, so that it can't have two types.
            _ => return Err(lie()),
        };
        self.left.push(Item::Found(found));
        Ok(())
    }
}

/// Holds an answer against what stood above it.
///
/// Its hash binds it to the answers before, down from the root: so no store can answer with a tree that it
/// did not have when it told the root. Each part that is let in has a longer prefix than the one above, so
/// the depth is bounded by the keys; and a tree is no wider than whoever hashed it has made it.
fn check(place: &TreeAddress, part: TreePart, sub: &Sub, unchanged: bool) -> Result<Sub> {
    let hash = part.hash(place);
    if let Sub::Promised { hash: promised, most } = sub {
        if hash != *promised {
            return Err(if unchanged { lie() } else { changed() });
        }
        // Somebody may have hashed what is no trie.
        if part == TreePart::Nothing || part.nodes() > *most {
            return Err(lie());
        }
    }
    if !part.fits(place) {
        return Err(lie());
    }
    let (prefix, bits) = part.beginning(place);
    let mut known =
        Known { hash, nodes: part.nodes(), prefix, bits, below: [[0; 32]; 2], scope_id: None };
    match part {
        TreePart::Nothing => return Ok(Sub::Nothing),
        TreePart::Inner { children, .. } => known.below = children,
        TreePart::Scope { scope_id, root, .. } => {
            known.below[0] = root;
            known.scope_id = Some(scope_id.into());
        }
        TreePart::Node { .. } => {}
    }
    Ok(Sub::Known(Box::new(known)))
}
