//! What is left to be compared of two tries, and what was found.

use super::{changed, lie};
use crate::digest::Digest;
use crate::trie::{first_difference, side};
use crate::{Result, TreeAddress, TreePart};

/// How many pairs of subtrees are looked at in one go.
const WIDTH: usize = 1 << 8;

/// What is known of a subtree.
#[derive(Debug)]
pub(super) enum Sub {
    Nothing,
    /// What stands above it has told its hash, and that it has no more nodes than this.
    Promised {
        hash: Digest,
        most: u64,
    },
    Read(Box<Known>),
}

/// A subtree that was read, as far as its uppermost part.
#[derive(Clone, Debug)]
pub(super) struct Known {
    pub(super) part: TreePart,
    hash: Digest,
}

impl Sub {
    pub(super) fn read(part: TreePart, hash: Digest) -> Self {
        match part {
            TreePart::Nothing => Sub::Nothing,
            part => Sub::Read(Box::new(Known { part, hash })),
        }
    }

    fn hash(&self) -> Option<&Digest> {
        match self {
            Sub::Nothing => None,
            Sub::Promised { hash, .. } => Some(hash),
            Sub::Read(known) => Some(&known.hash),
        }
    }

    fn known(&self) -> Option<&Known> {
        match self {
            Sub::Read(known) => Some(known),
            _ => None,
        }
    }

    /// What it has of the keys whose bit `at`, the first in which any keys here may differ, is `one`.
    fn half(&self, place: &TreeAddress, at: u16, one: usize) -> Sub {
        let Sub::Read(known) = self else {
            return Sub::Nothing;
        };
        match &known.part {
            TreePart::Inner { bits, nodes, children, .. } if *bits == at => {
                Sub::Promised { hash: children[one], most: nodes - 1 }
            }
            part if side(&part.beginning(place).0, at) == one => Sub::Read(known.clone()),
            _ => Sub::Nothing,
        }
    }
}

/// The subtrees that stand in one place of two tries, and differ.
#[derive(Debug)]
struct Pair {
    place: TreeAddress,
    subs: [Sub; 2],
}

/// What is yet to be done, or to be told.
#[derive(Debug)]
enum Item {
    Pair(Pair),
    /// A leaf, of one trie or of both.
    Found([Option<Box<Known>>; 2]),
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

    /// The next leaf that one of the tries has and the other has not, or has with another hash; `None`
    /// where more must be asked before.
    pub(super) fn found(&mut self) -> Option<[Option<Box<Known>>; 2]> {
        match self.left.pop()? {
            Item::Found(found) => Some(found),
            pair @ Item::Pair(_) => {
                self.left.push(pair);
                None
            }
        }
    }

    /// What must be known of the one trie and of the other.
    pub(super) fn questions(&self) -> [Vec<TreeAddress>; 2] {
        let mut questions = [Vec::new(), Vec::new()];
        for item in &self.left[self.next()..] {
            if let Item::Pair(Pair { place, subs }) = item {
                for (sub, questions) in subs.iter().zip(&mut questions) {
                    if let Sub::Promised { .. } = sub {
                        questions.push(place.clone());
                    }
                }
            }
        }
        questions
    }

    /// Takes the answers in, each with whether the store is as it was, and goes on from there.
    pub(super) fn go_on(&mut self, answers: [(Vec<TreePart>, bool); 2]) -> Result<()> {
        let mut answers = answers.map(|(parts, unchanged)| (parts.into_iter(), unchanged));
        for item in self.left.split_off(self.next()) {
            match item {
                Item::Pair(Pair { place, mut subs }) => {
                    for (sub, (parts, unchanged)) in subs.iter_mut().zip(&mut answers) {
                        if let Sub::Promised { hash, most } = *sub {
                            let part = parts.next().ok_or_else(lie)?;
                            *sub = check(&place, part, hash, most, *unchanged)?;
                        }
                    }
                    self.split(&place, subs)?;
                }
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
            self.left.push(Item::Pair(Pair { place, subs }));
        }
    }

    /// Puts two subtrees that were read in two halves, at the first bit in which any of their keys differ.
    fn split(&mut self, place: &TreeAddress, subs: [Sub; 2]) -> Result<()> {
        let beginnings =
            subs.each_ref().map(|sub| sub.known().map(|known| known.part.beginning(place)));
        let (prefix, bits) = match beginnings {
            [Some((one, one_bits)), Some((other, other_bits))] => {
                let shared = one_bits.min(other_bits);
                let difference = first_difference(&one, &other).unwrap_or(shared);
                (one, difference.min(shared))
            }
            [Some(only), None] | [None, Some(only)] => only,
            [None, None] => return Ok(()),
        };
        if bits == place.key_bits() {
            return self.find(subs);
        }
        for one in [1, 0] {
            let mut half = prefix;
            let (byte, mask) = (usize::from(bits / 8), 0x80 >> (bits % 8));
            half[byte] = if one == 1 { half[byte] | mask } else { half[byte] & !mask };
            self.add(
                place.narrowed(&half, bits + 1)?,
                subs.each_ref().map(|sub| sub.half(place, bits, one)),
            );
        }
        Ok(())
    }

    /// Takes note of one key, which both have with different hashes, or only one has.
    fn find(&mut self, subs: [Sub; 2]) -> Result<()> {
        let found = subs.map(|sub| match sub {
            Sub::Read(known) => Some(known),
            _ => None,
        });
        // A node's key is its digest, so that it can't have two types.
        if let [Some(one), Some(_)] = &found
            && let TreePart::Node { .. } = one.part
        {
            return Err(lie());
        }
        self.left.push(Item::Found(found));
        Ok(())
    }
}

/// Holds an answer against what stood above it.
///
/// Its hash binds it to the answers before, down from the root: so no store can answer with a tree that it
/// did not have when it told the root. Each part that is let in has a longer prefix than the one above, so
/// the depth is bounded by the keys; and a tree is no wider than whoever hashed it has made it.
fn check(
    place: &TreeAddress,
    part: TreePart,
    promised: Digest,
    most: u64,
    unchanged: bool,
) -> Result<Sub> {
    let hash = part.hash(place);
    if hash != promised {
        return Err(if unchanged { lie() } else { changed() });
    }
    // Somebody may have hashed what is no trie.
    if part == TreePart::Nothing || !part.fits(place) || part.nodes() > most {
        return Err(lie());
    }
    Ok(Sub::read(part, hash))
}
