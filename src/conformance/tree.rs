//! Reading the tree behind the state hash, and comparing two stores by it.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::contract;
use super::failure::{Failure, Outcome, different, ensure, precondition, refused, same};
use super::lab::Lab;
use super::model::all;
use super::sample::{Dice, SCOPES, chain, dag, fill, removals};
use crate::{
    Cid, DagNode, DagStore, DagStoreExt, ErrorKind, SharedDagStore, Span, StateHash, TreeAddress,
    TreePart,
};

contract! {
    /// From the top of the tree every node is found, and every part hashes to what stands above it.
    the_tree_leads_to_every_node,
    /// In every place stands what the keys that begin so make, whether they are many, one, or none.
    every_place_has_its_part,
    /// The parts that one call reads are of one moment, whose state hash comes with them.
    the_tree_is_of_the_state_as_it_is,
    /// One call reads 1,024 places, and refuses more.
    places_are_limited,
    /// A comparison finds exactly the nodes that only one of two stores has, in order.
    comparisons_find_what_differs,
    /// A comparison of one scope finds what differs in it, and looks at no other.
    scopes_are_compared_alone,
    /// What two stores have in common is not read.
    common_parts_are_not_read,
}

/// The node's key, by its parts.
fn key(node: &DagNode) -> (u64, [u8; 32]) {
    let key = Span::of_node(node).first();
    (key.timestamp, key.digest)
}

fn key_bytes(node: &DagNode) -> [u8; 40] {
    let (timestamp, digest) = key(node);
    let mut bytes = [0; 40];
    bytes[..8].copy_from_slice(&timestamp.to_be_bytes());
    bytes[8..].copy_from_slice(&digest);
    bytes
}

async fn read(store: &Arc<dyn DagStore>, place: &TreeAddress) -> Outcome<TreePart> {
    let mut answer = store.tree(std::slice::from_ref(place)).await?;
    let part = answer.parts.pop().ok_or_else(|| Failure::new("a place without an answer"))?;
    ensure(answer.parts.is_empty(), "more answers than places")?;
    Ok(part)
}

async fn the_tree_leads_to_every_node(lab: Lab) -> Outcome {
    for count in [0, 1, 2, 70] {
        let store = lab.store().await?;
        let nodes = dag(&mut Dice::new(51), count)?;
        fill(&store, &nodes).await?;
        let mut expected: Vec<_> =
            nodes.iter().map(|node| (node.scope_id().to_owned(), key(node))).collect();
        expected.sort_unstable();
        let mut found = Vec::new();
        let top = read(&store, &TreeAddress::scopes()).await?;
        same("the nodes below the top", top.nodes(), nodes.len() as u64)?;
        let mut left =
            vec![(TreeAddress::scopes(), top.hash(&TreeAddress::scopes()), count as u64)];
        while let Some((place, promised, nodes)) = left.pop() {
            let part = read(&store, &place).await?;
            same("the hash of a part", part.hash(&place), promised)?;
            ensure(part.nodes() <= nodes, "there are more nodes below than above")?;
            match part {
                TreePart::Nothing => same("an empty trie", place.bits(), 0)?,
                TreePart::Inner { bits, prefix, nodes, children } => {
                    ensure(bits >= place.bits(), "an inner node stands above its place")?;
                    for (child, half) in children.into_iter().zip([0, 0x80]) {
                        let mut prefix = prefix;
                        prefix[usize::from(bits / 8)] |= half >> (bits % 8);
                        left.push((place.narrowed(&prefix, bits + 1)?, child, nodes - 1));
                    }
                }
                TreePart::Node { key, event_type } => {
                    let scope_id = place.scope_id().unwrap_or_default().to_owned();
                    let node = nodes_of(&store).await?;
                    let node = node.get(&key.digest).map(DagNode::event_type);
                    same("the type of a node", Some(event_type), node)?;
                    found.push((scope_id, (key.timestamp, key.digest)));
                }
                TreePart::Scope { scope_id, nodes, root } => {
                    same("the scope's nodes", store.len(Some(&scope_id)).await?, nodes)?;
                    left.push((TreeAddress::scope(scope_id), root, nodes));
                }
            }
        }
        found.sort_unstable();
        same("the nodes found", found, expected)?;
    }
    Ok(())
}

async fn nodes_of(store: &Arc<dyn DagStore>) -> Outcome<BTreeMap<[u8; 32], DagNode>> {
    let nodes = all(store).await?;
    Ok(nodes.into_iter().map(|node| (key(&node).1, node)).collect())
}

async fn every_place_has_its_part(lab: Lab) -> Outcome {
    let store = lab.store().await?;
    let nodes = dag(&mut Dice::new(52), 60)?;
    fill(&store, &nodes).await?;
    let trie = TreeAddress::scope(SCOPES[0]);
    let keys: Vec<[u8; 40]> =
        nodes.iter().filter(|node| node.scope_id() == SCOPES[0]).map(key_bytes).collect();
    let (mut inner, mut nothing) = (0, 0);
    for key in &keys {
        let mut places = Vec::new();
        for bits in 0..=320 {
            places.push(trie.narrowed(key, bits)?);
            let Some(last) = bits.checked_sub(1) else { continue };
            let mut other = *key;
            other[usize::from(last / 8)] ^= 0x80 >> (last % 8);
            places.push(trie.narrowed(&other, bits)?);
        }
        for (place, part) in places.iter().zip(store.tree(&places).await?.parts) {
            let begins = |key: &&[u8; 40]| {
                trie.narrowed(key, place.bits()).is_ok_and(|place_of| place_of == *place)
            };
            let below: Vec<&[u8; 40]> = keys.iter().filter(begins).collect();
            same("the nodes below", part.nodes(), below.len() as u64)?;
            match part {
                TreePart::Nothing => nothing += 1,
                TreePart::Inner { bits, prefix, .. } => {
                    inner += 1;
                    let shares = |bits| -> Outcome<bool> {
                        let place = trie.narrowed(&prefix, bits)?;
                        let of = |key: &&[u8; 40]| trie.narrowed(key, bits).ok();
                        Ok(below.iter().all(|key| of(key).as_ref() == Some(&place)))
                    };
                    ensure(shares(bits)?, "the keys don't share what they should")?;
                    ensure(!shares(bits + 1)?, "the keys share more than that")?;
                    same("the prefix", *trie.narrowed(&prefix, bits)?.prefix(), prefix)?;
                }
                TreePart::Node { key, .. } => {
                    let found = (key.timestamp, key.digest);
                    let is_there = nodes.iter().any(|node| self::key(node) == found);
                    ensure(is_there, "a node that nobody inserted")?;
                }
                TreePart::Scope { .. } => return Err(Failure::new("a scope within a scope")),
            }
        }
    }
    let nobodys = read(&store, &TreeAddress::scope("nobody's")).await?;
    same("the trie of an unused scope", nobodys, TreePart::Nothing)?;
    precondition(inner > 100 && nothing > 100, "there are places of every kind")
}

async fn the_tree_is_of_the_state_as_it_is(lab: Lab) -> Outcome {
    let store = lab.store().await?;
    let top = [TreeAddress::scopes()];
    let mut before = store.tree(&top).await?;
    for node in dag(&mut Dice::new(53), 12)? {
        store.insert(node).await?;
        let answer = store.tree(&top).await?;
        same("its state hash", answer.state_hash, store.state_hash(None).await?)?;
        different("the top, after a commit", &answer.parts, &before.parts)?;
        before = answer;
    }
    let nothing = store.tree(&[]).await?;
    same("of no places", (nothing.state_hash, nothing.parts), (before.state_hash, vec![]))
}

async fn places_are_limited(lab: Lab) -> Outcome {
    let store = lab.store().await?;
    fill(&store, &chain("chain", 3)?).await?;
    let mut places = vec![TreeAddress::scopes(); TreeAddress::MOST];
    same("the answers", store.tree(&places).await?.parts.len(), TreeAddress::MOST)?;
    places.push(TreeAddress::scopes());
    refused("one place more", store.tree(&places).await, ErrorKind::Limit)?;
    Ok(())
}

/// Those of the first nodes that are not among the others, as a comparison gives them.
fn only(nodes: &[DagNode], others: &[DagNode], scope: Option<&str>) -> Outcome<Vec<Cid>> {
    let mut only: Vec<&DagNode> = nodes
        .iter()
        .filter(|node| !others.contains(node))
        .filter(|node| scope.is_none_or(|scope| node.scope_id() == scope))
        .collect();
    only.sort_by_key(|node| (node.scope_id().to_owned(), key(node)));
    only.into_iter().map(|node| Ok(node.cid()?)).collect()
}

/// Two stores that have some of these nodes each, and what they have.
async fn pair(
    lab: &Lab,
    dice: &mut Dice,
    nodes: &[DagNode],
) -> Outcome<[(Arc<dyn DagStore>, Vec<DagNode>); 2]> {
    let mut pair = Vec::new();
    for _ in 0..2 {
        let store = lab.store().await?;
        fill(&store, nodes).await?;
        // Heads alone can go.
        for _ in 0..=dice.below(3) {
            let heads = store.heads(None).await?;
            let gone: Vec<DagNode> = all(&store)
                .await?
                .into_iter()
                .filter(|node| node.cid().is_ok_and(|cid| heads.contains(&cid)))
                .filter(|_| dice.below(3) > 0)
                .collect();
            store.commit(removals(&gone)?).await?;
        }
        let left = all(&store).await?;
        pair.push((store, left));
    }
    <[_; 2]>::try_from(pair).map_err(|_| Failure::new("two stores"))
}

async fn comparisons_find_what_differs(lab: Lab) -> Outcome {
    let mut dice = Dice::new(54);
    let (mut differences, mut both) = (0, 0);
    for count in [0, 1, 2, 5, 30, 60] {
        for _ in 0..4 {
            let nodes = dag(&mut dice, count)?;
            let [(one, ones), (other, others)] = pair(&lab, &mut dice, &nodes).await?;
            let expected = [only(&ones, &others, None)?, only(&others, &ones, None)?];
            differences += expected[0].len() + expected[1].len();
            both += usize::from(expected.iter().all(|only| !only.is_empty()));
            // Against a store of its own kind, and against ours, from both sides.
            let ours: Arc<dyn DagStore> = Arc::new(SharedDagStore::new());
            fill(&ours, &others).await?;
            let hashes = [one.state_hash(None).await?, other.state_hash(None).await?];
            for other in [&other, &ours] {
                let found = one.compare(other).await?;
                same("what is only here", found.only_here, expected[0].clone())?;
                same("what is only there", found.only_there, expected[1].clone())?;
                same("the states", found.state_hashes, hashes)?;
                let found = other.compare(&one).await?;
                same("from the other side", found.only_here, expected[1].clone())?;
                same("from the other side", found.only_there, expected[0].clone())?;
            }
        }
    }
    precondition(differences > 20 && both > 4, "there are differences, also on both sides")
}

async fn scopes_are_compared_alone(lab: Lab) -> Outcome {
    let mut dice = Dice::new(55);
    let mut differences = 0;
    for _ in 0..6 {
        let nodes = dag(&mut dice, 50)?;
        let [(one, ones), (other, others)] = pair(&lab, &mut dice, &nodes).await?;
        for scope in SCOPES.into_iter().chain(["nobody's"]) {
            let found = one.compare(&other).scope_id(scope).await?;
            let expected = only(&ones, &others, Some(scope))?;
            differences += expected.len();
            same("what is only here", found.only_here, expected)?;
            let expected = only(&others, &ones, Some(scope))?;
            same("what is only there", found.only_there, expected)?;
            let hashes: [StateHash; 2] =
                [one.state_hash(Some(scope)).await?, other.state_hash(Some(scope)).await?];
            same("the scope's hashes", found.state_hashes, hashes)?;
        }
    }
    precondition(differences > 20, "there are differences")
}

async fn common_parts_are_not_read(lab: Lab) -> Outcome {
    let nodes = dag(&mut Dice::new(56), 200)?;
    let [one, other] = [lab.store().await?, lab.store().await?];
    fill(&one, &nodes).await?;
    fill(&other, &nodes).await?;
    same("two tops, where nothing differs", one.compare(&other).await?.visited, 2)?;
    let heads = other.heads(None).await?;
    other.remove(heads[0]).await?;
    let found = one.compare(&other).await?;
    same("what differs", found.only_here, heads[..1].to_vec())?;
    ensure(found.visited < 2 * 40, "more was read than stands above the difference")
}
