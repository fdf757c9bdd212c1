//! Questions about the graph, answered over as little of a store as they need to see.
//!
//! Everything here goes by generations: a node's is higher than those of all its parents. So a search
//! towards the roots is over where the generation of what is sought is passed; and a search that
//! takes the highest generation first has met all ways to a node before it takes the node itself. It
//! needs no set of what it has seen, only its [`Frontier`].

mod ancestry;
mod bases;
mod frontier;
mod path;
mod place;
pub(crate) mod sorted;
mod walk;

pub(crate) use ancestry::is_ancestor;
pub(crate) use bases::merge_bases;
pub(crate) use path::path;
pub(crate) use sorted::sorted_page;
pub(crate) use walk::walk_page;

use std::hash::Hash;
use std::ops::Deref;

use crate::digest::{Digest, push_hex};
use crate::store::not_there;
use crate::walk::WalkQuery;
use crate::{Cid, Cursor, DagError, ErrorKind, Result, id};

/// As much of a store as questions about its graph need to see, for as long as nobody writes.
pub(crate) trait Graph {
    /// How the store numbers its nodes. The numbers never decide what is answered.
    type Node: Copy + Ord + Hash;

    /// A digest: where it stands in memory, or a copy of it.
    type Name<'a>: Copy + Ord + Deref<Target = Digest>
    where
        Self: 'a;

    fn find(&self, digest: &Digest) -> Option<Self::Node>;

    fn digest(&self, node: Self::Node) -> Self::Name<'_>;

    fn timestamp(&self, node: Self::Node) -> u64;

    /// 0 without parents, else one more than the highest of theirs.
    fn generation(&self, node: Self::Node) -> u32;

    /// The parents, in the node's own order.
    fn parents(&self, node: Self::Node) -> impl Iterator<Item = Self::Node>;

    fn children(&self, node: Self::Node) -> impl Iterator<Item = Self::Node>;

    /// How many parents and how many children it has.
    fn degrees(&self, node: Self::Node) -> (usize, usize);

    /// A node further down the [spine](ancestry), or this one itself. The further the better: one that
    /// a store knows by heart saves the steps in between.
    fn jump(&self, node: Self::Node) -> Self::Node;

    /// Every node of the store, or of a scope, in any order.
    fn nodes(&self, scope_id: Option<&str>) -> impl Iterator<Item = Self::Node>;

    /// Whether the query's filters let the node pass.
    fn passes(&self, node: Self::Node, query: &WalkQuery) -> bool;

    /// The node with this CID; `NotFound` where there is none.
    fn node(&self, cid: &Cid) -> Result<Self::Node> {
        self.find(&id::digest_of(cid)?).ok_or_else(|| not_there(*cid))
    }
}

/// Makes a cursor of bytes; the letter tells what of.
fn cursor_of(letter: char, bytes: &[u8]) -> Cursor {
    let mut text = String::with_capacity(1 + 2 * bytes.len());
    text.push(letter);
    push_hex(bytes, &mut text);
    Cursor::new(text)
}

/// The digits of a cursor with this letter.
fn digits_of(cursor: &Cursor, letter: char) -> Result<&str> {
    cursor.as_str().strip_prefix(letter).ok_or_else(foreign_cursor)
}

fn foreign_cursor() -> DagError {
    DagError::new(ErrorKind::InvalidArgument, "a cursor that no walk of this kind gave")
}
