//! Checking everything anew.

use std::ops::ControlFlow;

use super::keys::{self, End};
use super::pages::records;
use super::trie::{BUCKET, Builder, Stub};
use super::values::{self, Kept, Place, Record, ScopeRecord, corrupt};
use super::view::{View, naming, scope_leaf};
use crate::digest::sha256;
use crate::state_trie::{INNER, SCOPES_INNER, leaf_hash, node_key, state_hash};
use crate::{DagError, DagNode, ErrorKind, Result, Verified, id};

impl View<'_> {
    /// Checks every block, every link and every index, node by node; and then the state hash against that
    /// of tries made from the leaves, which were found to be those of the blocks.
    pub(super) fn verify(&self) -> Result<Verified> {
        let mut found = Verified { nodes: 0, links: 0, state_hash: self.state_hash() };
        self.scan(&records(&(0..self.whole.next_ordinal)), false, |key, value| {
            let ordinal = keys::last_number(key).ok_or_else(corrupt)?;
            let (record, kept) = Record::read(value)?;
            if kept != Kept::Removed {
                let node = self.verify_node(ordinal, &record, kept);
                found.nodes += 1;
                found.links += naming(&record.digest, node)?.parent_digests().len() as u64;
            }
            Ok(ControlFlow::Continue(()))
        })?;
        let root = self.verify_tries(found.nodes)?;
        let fresh = state_hash(found.nodes, &root);
        if found.nodes != self.whole.nodes || fresh != found.state_hash {
            return Err(DagError::new(
                ErrorKind::Corrupt,
                "the state hash is not that of the blocks in the store",
            ));
        }
        Ok(found)
    }

    fn verify_node(&self, ordinal: u64, record: &Record, kept: Kept<'_>) -> Result<DagNode> {
        let Record { digest, generation, scope, timestamp, event_type, .. } = record;
        let broken =
            |what: &str| DagError::new(ErrorKind::Corrupt, what).with_cid(id::cid_of(digest));
        let node = self.node(ordinal, digest, kept)?;
        DagNode::decode_with(node.as_bytes(), self.limits)
            .map_err(|error| broken("a stored block is not a node's").with_source(error))?;
        let is_same = *timestamp == node.timestamp()
            && **event_type == *node.event_type_name().as_bytes()
            && self.scope_number(node.scope_id())? == Some(*scope);
        if !is_same {
            return Err(broken("what is noted of a stored node is not what its block says"));
        }

        let mut above = 0;
        let mut parents = Vec::with_capacity(record.parents.len());
        let mut is_root_of_scope = true;
        for parent in &record.parents {
            let of_parent = self.record(parent.ordinal)?;
            parents.push(of_parent.digest);
            above = above.max(parent.generation.saturating_add(1));
            is_root_of_scope &= of_parent.scope != *scope;
            let child = self.get(&keys::child(parent.ordinal, ordinal))?;
            let child = child.map(|child| values::read_child(&child)).transpose()?;
            if of_parent.generation != parent.generation || child != Some(*generation) {
                return Err(broken("the indexes of a stored node are not those of its links"));
            }
        }
        if !parents.iter().eq(node.parent_digests()) {
            return Err(broken("the links of a stored node are not those in its block"));
        }
        let place = self.place(digest)?;
        let place = place.ok_or_else(|| broken("a stored node can't be found by its CID"))?;
        let (mut children, mut children_in_scope) = (0, 0);
        self.scan(&keys::with_prefix(&keys::child(ordinal, 0)[..9]), false, |key, _| {
            let child = keys::last_number(key).ok_or_else(corrupt)?;
            children += 1;
            children_in_scope += u64::from(self.record(child)?.scope == *scope);
            Ok(ControlFlow::Continue(()))
        })?;
        let point = values::Point { generation: *generation, ordinal };
        let expected =
            Place { point, scope: *scope, jump: record.jump, children, children_in_scope };
        let key = node_key(*timestamp, digest);
        let ends = [
            (End::Head, keys::WHOLE, children == 0),
            (End::Head, *scope, children_in_scope == 0),
            (End::Root, keys::WHOLE, record.parents.is_empty()),
            (End::Root, *scope, is_root_of_scope),
        ];
        let mut is_well = *generation == above && place == expected;
        for (end, scope, is_there) in ends {
            let found = self.get(&keys::end(end, scope, ordinal))?;
            is_well &= found.as_deref() == is_there.then_some(&digest[..]);
        }
        let by_time = self.get(&keys::by_time(*scope, &key))?;
        let by_generation = self.get(&keys::by_generation(*generation, *timestamp, digest))?;
        is_well &= self.get(&keys::of_scope(*scope, ordinal))?.is_some_and(|it| it.is_empty())
            && by_time == Some(values::write_by_time(ordinal, event_type))
            && by_generation == Some(values::write_by_generation(ordinal, *scope));
        if !is_well {
            return Err(broken("the indexes of a stored node are not those of its links"));
        }
        Ok(node)
    }

    /// Makes all tries anew from their leaves, of which there must be so many. Gives the root.
    fn verify_tries(&self, nodes: u64) -> Result<[u8; 32]> {
        let mut wrong = false;
        let mut total = 0;
        let mut outer = Builder::new(SCOPES_INNER);
        self.scan(&keys::all_scopes(), false, |key, value| {
            let name_hash = key.last_chunk().ok_or_else(corrupt)?;
            let ScopeRecord { number, root, name } = ScopeRecord::read(value)?;
            wrong |= sha256(name.as_bytes()) != *name_hash;
            let trie = self.scope_trie(number);
            let mut builder = Builder::new(INNER);
            // Inner nodes are made of what is kept of them, so that it is enough to make sure of those
            // that are kept.
            let mut inners = Ok(());
            let mut made = |whole: &Stub<40>, subtrees| {
                if inners.is_ok() {
                    inners = self.verify_inner(number, whole, &subtrees);
                }
            };
            trie.each_leaf(&trie.range(&[0; 40], &[0xff; 40]), false, |key, _, event_type| {
                total += 1;
                builder.push(Stub::leaf(*key, 1, leaf_hash(key, event_type)), &mut made);
                Ok(ControlFlow::Continue(()))
            })?;
            let fresh = builder.finish(&mut made);
            inners?;
            wrong |= fresh != Some(root);
            outer.push(scope_leaf(name_hash, &root), &mut |_, _| {});
            Ok(ControlFlow::Continue(()))
        })?;
        if wrong || total != nodes {
            return Err(DagError::new(
                ErrorKind::Corrupt,
                "the tree behind the state hash is not that of the blocks in the store",
            ));
        }
        Ok(outer.finish(&mut |_, _| {}).map_or([0; 32], |root| root.hash))
    }

    fn verify_inner(&self, scope: u64, whole: &Stub<40>, subtrees: &[Stub<40>; 2]) -> Result<()> {
        if whole.leaves < BUCKET {
            return Ok(());
        }
        let kept = self.get(&keys::trie(scope, whole.bit, &whole.key))?;
        if kept == Some(values::write_subtrees(subtrees)) { Ok(()) } else { Err(corrupt()) }
    }
}
