//! Inserting, removing and reading single nodes.

use super::contract;
use super::failure::{Outcome, different, ensure, precondition, refused, same};
use super::lab::Lab;
use super::model::{look, sequence};
use super::sample::{SCOPE, chain, child, cids, inserts, removals, root};
use crate::{Changes, Cid, DagEventType, DagNode, DagStoreExt, ErrorKind, Ipld};

contract! {
    /// `insert` returns the CID.
    insert_returns_the_cid,
    /// `get` gives a node back as it was inserted, every field and every byte.
    get_gives_back_what_was_inserted,
    /// Inserting what is there already changes nothing and returns the same CID.
    insert_again_changes_nothing,
    /// `Commit` tells what was new.
    commit_tells_what_was_new,
    /// `Commit` tells what was removed.
    commit_tells_what_was_removed,
    /// A missing parent refuses the insert (`MissingParent`, naming node and parent).
    missing_parent_refuses_the_insert,
    /// A node whose parents are all there is inserted, however many they are.
    every_parent_counts,
    /// Content may itself hold links; only `parents` make edges of the DAG.
    links_in_content_are_no_edges,
    /// The same node with another nonce is another node.
    nonce_tells_events_apart,
    /// `remove` of a node with children in the store is refused (`HasChildren`).
    remove_of_a_parent_is_refused,
    /// A node with children is removed where the same batch removes the children too, in whichever
    /// order.
    remove_takes_children_along,
    /// Removing what is not there is no error and reports `false`.
    remove_of_the_unknown_is_false,
    /// `remove` of what is there reports `true`, and it is gone.
    remove_takes_away,
    /// What was removed may be inserted again.
    removed_nodes_may_return,
    /// A single insert or remove is a batch of one.
    single_operations_are_batches_of_one,
    /// `get` of an unknown CID is none.
    get_of_the_unknown_is_none,
    /// Many are answered in the order they were asked for, each as often as it was asked for.
    many_are_answered_in_their_order,
    /// A malformed id is `InvalidCid`; other codecs and hashes are refused.
    malformed_ids_are_refused,
    /// An id may be given as text in any multibase, as bytes, or as a `Cid`.
    ids_are_read_in_every_form,
    /// `insert_block` and `get_block` deal in raw bytes: a block is kept as it came.
    blocks_are_kept_as_they_came,
    /// A block from outside is refused unless it is canonical and well formed.
    malformed_blocks_are_refused,
}

async fn insert_returns_the_cid(lab: Lab) -> Outcome {
    let store = lab.store().await?;
    let node = root("a node")?;
    same("the CID returned", store.insert(node.clone()).await?, node.cid()?)?;
    ensure(store.has(node.cid()?).await?, "the node is not there")
}

async fn get_gives_back_what_was_inserted(lab: Lab) -> Outcome {
    let store = lab.store().await?;
    let parents = [root("first")?, root("second")?];
    let content = Ipld::List(vec![
        Ipld::Null,
        Ipld::Bool(true),
        Ipld::Integer(-(1 << 64)),
        Ipld::Integer((1 << 64) - 1),
        Ipld::Float(0.5),
        Ipld::String("\u{0}\u{1f333}".to_owned()),
        Ipld::Bytes(vec![0, 255]),
        Ipld::Map([("z".to_owned(), Ipld::Null), ("aa".to_owned(), Ipld::Null)].into()),
        Ipld::Link(parents[0].cid()?),
    ]);
    let event_type = DagEventType::Custom("ballot-opened".to_owned());
    let node = DagNode::builder()
        .content(content.clone())
        .event_type(event_type.clone())
        .scope_id(SCOPE)
        .timestamp((1 << 53) - 1)
        .parents(cids(parents.iter().rev())?)
        .nonce([7; 64])
        .build()?;
    store.insert_many(parents.clone()).await?;
    store.insert(node.clone()).await?;
    let found = store.get(node.cid()?).await?;
    let Some(found) = found else { return ensure(false, "the node is not there") };
    same("the bytes", found.as_bytes(), node.as_bytes())?;
    same("the CID", found.cid()?, node.cid()?)?;
    same("the content", found.content()?, content)?;
    same("the event type", found.event_type(), event_type)?;
    same("the scope", found.scope_id(), SCOPE)?;
    same("the timestamp", found.timestamp(), (1 << 53) - 1)?;
    same("the parents, in their order", found.parents(), cids(parents.iter().rev())?)?;
    same("the nonce", found.nonce(), Some(&[7; 64][..]))
}

async fn insert_again_changes_nothing(lab: Lab) -> Outcome {
    let store = lab.store().await?;
    let [first, second] = [root("first")?, root("second")?];
    store.insert(first.clone()).await?;
    store.insert(second).await?;
    let before = look(&store).await?;
    same("the CID returned", store.insert(first.clone()).await?, first.cid()?)?;
    same("the store", look(&store).await?, before)
}

async fn commit_tells_what_was_new(lab: Lab) -> Outcome {
    let store = lab.store().await?;
    let [old, new] = [root("old")?, root("new")?];
    let commit = store.insert_many([old.clone()]).await?;
    same("inserted first", commit.inserted, vec![old.cid()?])?;
    let commit = store.insert_many([old.clone(), new.clone()]).await?;
    same("inserted then", commit.inserted, vec![new.cid()?])?;
    same("removed", commit.removed, vec![])
}

async fn commit_tells_what_was_removed(lab: Lab) -> Outcome {
    let store = lab.store().await?;
    let [there, not_there] = [root("there")?, root("not there")?];
    store.insert(there.clone()).await?;
    let commit = store.commit(removals([&not_there, &there])?).await?;
    same("removed", commit.removed, vec![there.cid()?])?;
    same("inserted", commit.inserted, vec![])
}

async fn missing_parent_refuses_the_insert(lab: Lab) -> Outcome {
    let store = lab.store().await?;
    let [present, missing] = [root("present")?, root("missing")?];
    let orphan = child("orphan", &[&present, &missing])?;
    store.insert(present).await?;
    let before = look(&store).await?;
    let error =
        refused("the insert", store.insert(orphan.clone()).await, ErrorKind::MissingParent)?;
    same("the node named", error.cid().copied(), Some(orphan.cid()?))?;
    same("the parent named", error.parent().copied(), Some(missing.cid()?))?;
    same("the store", look(&store).await?, before)?;
    store.insert(missing).await?;
    same("the insert, now", store.insert(orphan.clone()).await?, orphan.cid()?)
}

async fn every_parent_counts(lab: Lab) -> Outcome {
    let store = lab.store().await?;
    let parents = super::sample::roots("parent", 5)?;
    let node = child("child", &parents.iter().collect::<Vec<_>>())?;
    for without in 0..parents.len() {
        let others =
            parents.iter().enumerate().filter(|(i, _)| *i != without).map(|(_, node)| node);
        let mut changes = inserts(others);
        changes.insert(node.clone());
        let result = store.commit(changes).await;
        let error = refused("the insert", result, ErrorKind::MissingParent)?;
        same("the parent named", error.parent().copied(), Some(parents[without].cid()?))?;
    }
    store.commit(inserts(parents.iter().chain([&node]))).await?;
    for parent in &parents {
        refused("the removal", store.remove(parent.cid()?).await, ErrorKind::HasChildren)?;
    }
    Ok(())
}

async fn links_in_content_are_no_edges(lab: Lab) -> Outcome {
    let store = lab.store().await?;
    let [target, absent] = [root("target")?, root("absent")?];
    let links = vec![Ipld::Link(target.cid()?), Ipld::Link(absent.cid()?)];
    let node = target.to_builder()?.content(Ipld::List(links)).build()?;
    store.insert(target.clone()).await?;
    store.insert(node.clone()).await?;
    same("the heads", store.heads(None).await?, vec![target.cid()?, node.cid()?])?;
    same("the links counted", store.verify().await?.links, 0)?;
    same("the removal", store.remove(target.cid()?).await?, true)
}

async fn nonce_tells_events_apart(lab: Lab) -> Outcome {
    let store = lab.store().await?;
    let plain = root("the same event")?;
    let one = plain.to_builder()?.nonce([1]).build()?;
    let two = plain.to_builder()?.nonce([2]).build()?;
    different("two CIDs", one.cid()?, two.cid()?)?;
    let commit = store.insert_many([plain, one, two]).await?;
    same("inserted", commit.inserted.len(), 3)
}

async fn remove_of_a_parent_is_refused(lab: Lab) -> Outcome {
    let store = lab.store().await?;
    let [grandparent, parent, node] = <[DagNode; 3]>::try_from(chain("chain", 3)?)
        .map_err(|_| super::Failure::new("a chain of three has three nodes"))?;
    store.insert_many([grandparent.clone(), parent.clone(), node.clone()]).await?;
    let before = look(&store).await?;
    for refusal in [&grandparent, &parent] {
        let result = store.remove(refusal.cid()?).await;
        let error = refused("the removal", result, ErrorKind::HasChildren)?;
        same("the node named", error.cid().copied(), Some(refusal.cid()?))?;
        same("the store", look(&store).await?, before.clone())?;
    }
    for leaf in [node, parent, grandparent] {
        same("the removal, leaf by leaf", store.remove(leaf.cid()?).await?, true)?;
    }
    Ok(())
}

async fn remove_takes_children_along(lab: Lab) -> Outcome {
    let nodes = chain("chain", 3)?;
    for order in [[0, 1, 2], [2, 1, 0], [1, 0, 2]] {
        let store = lab.store().await?;
        super::sample::fill(&store, &nodes).await?;
        let part = store.commit(removals([&nodes[0], &nodes[1]])?).await;
        refused("removing all but the last child", part, ErrorKind::HasChildren)?;
        let commit = store.commit(removals(order.map(|i| &nodes[i]))?).await?;
        same("removed", commit.removed.len(), 3)?;
        same("what is left", store.len(None).await?, 0)?;
    }
    Ok(())
}

async fn remove_of_the_unknown_is_false(lab: Lab) -> Outcome {
    let store = lab.store().await?;
    store.insert(root("there")?).await?;
    let before = look(&store).await?;
    same("the removal", store.remove(root("not there")?.cid()?).await?, false)?;
    same("the store", look(&store).await?, before)
}

async fn remove_takes_away(lab: Lab) -> Outcome {
    let store = lab.store().await?;
    let [kept, node] = [root("kept")?, root("a node")?];
    store.insert_many([kept.clone(), node.clone()]).await?;
    precondition(store.has(node.cid()?).await?, "the node is there")?;
    same("the removal", store.remove(node.cid()?).await?, true)?;
    same("whether it is there", store.has(node.cid()?).await?, false)?;
    same("what is got", store.get(node.cid()?).await?, None)?;
    same("what is left", look(&store).await?.nodes, vec![kept.cid()?])?;
    same("a second removal", store.remove(node.cid()?).await?, false)
}

async fn removed_nodes_may_return(lab: Lab) -> Outcome {
    let store = lab.store().await?;
    let nodes = chain("chain", 2)?;
    super::sample::fill(&store, &nodes).await?;
    let before = look(&store).await?;
    for round in 0..3 {
        store.commit(removals(&nodes)?).await?;
        precondition(store.len(None).await? == 0, "the nodes are gone")?;
        let commit = store.insert_many(nodes.clone()).await?;
        same("inserted again", commit.inserted, before.nodes.clone())?;
        let after = look(&store).await?;
        same("the state hash", after.state_hash, before.state_hash)?;
        same("the sequence number", after.sequence, before.sequence + 2 * (round + 1))?;
    }
    Ok(())
}

async fn single_operations_are_batches_of_one(lab: Lab) -> Outcome {
    let store = lab.store().await?;
    let node = root("a node")?;
    same("before all", sequence(&store).await?, 0)?;
    store.insert(node.clone()).await?;
    same("after an insert", sequence(&store).await?, 1)?;
    store.insert_block(root("a block")?.as_bytes()).await?;
    same("after a block", sequence(&store).await?, 2)?;
    store.remove(node.cid()?).await?;
    same("after a removal", sequence(&store).await?, 3)
}

async fn get_of_the_unknown_is_none(lab: Lab) -> Outcome {
    let store = lab.store().await?;
    store.insert(root("there")?).await?;
    let unknown = root("not there")?.cid()?;
    same("what is got", store.get(unknown).await?, None)?;
    same("the block", store.get_block(unknown).await?, None)?;
    same("whether it is there", store.has(unknown).await?, false)
}

async fn many_are_answered_in_their_order(lab: Lab) -> Outcome {
    let store = lab.store().await?;
    let nodes = super::sample::roots("node", 3)?;
    super::sample::fill(&store, &nodes).await?;
    let unknown = root("not there")?.cid()?;
    let [a, b, c] = [nodes[0].cid()?, nodes[1].cid()?, nodes[2].cid()?];
    let asked = [c, unknown, a, a, unknown, b];
    let found: Vec<Option<Cid>> = store
        .get_many(&asked)
        .await?
        .into_iter()
        .map(|node| node.map(|node| node.cid()).transpose())
        .collect::<Result<_, _>>()?;
    same("the nodes", found, vec![Some(c), None, Some(a), Some(a), None, Some(b)])?;
    let there = store.has_many(&asked).await?;
    same("what is there", there, vec![true, false, true, true, false, true])?;
    same("nothing asked for", store.get_many(&[]).await?, vec![])?;
    same("nothing asked about", store.has_many(&[]).await?, vec![])
}

async fn malformed_ids_are_refused(lab: Lab) -> Outcome {
    let store = lab.store().await?;
    let node = root("a node")?;
    store.insert(node.clone()).await?;
    let cid = node.cid()?;
    let text = cid.to_string();
    for id in
        ["", "a", "not a cid", "bafyrei", &text[1..], &text[..text.len() - 1], &format!("{text}a")]
    {
        refused(&format!("{id:?} to get"), store.get(id).await, ErrorKind::InvalidCid)?;
        refused(&format!("{id:?} to ask for"), store.has(id).await, ErrorKind::InvalidCid)?;
        refused(&format!("{id:?} to remove"), store.remove(id).await, ErrorKind::InvalidCid)?;
    }
    let bytes = cid.to_bytes();
    let [mut raw, mut sha3, mut v2] = [bytes.clone(), bytes.clone(), bytes.clone()];
    raw[1] = 0x55;
    sha3[2] = 0x16;
    v2[0] = 2;
    let short = [&[1, 0x71, 0x12, 31], &bytes[4..35]].concat();
    let long = [&bytes[..], &[0]].concat();
    let version_0 = bytes[2..].to_vec();
    for id in [raw, sha3, v2, short, long, version_0, bytes[..35].to_vec(), vec![]] {
        refused(&format!("{id:?} to get"), store.get(&id).await, ErrorKind::InvalidCid)?;
        refused(&format!("{id:?} to remove"), store.remove(&id).await, ErrorKind::InvalidCid)?;
    }
    let raw = Cid::new_v1(0x55, *cid.hash());
    refused("a CID of codec raw", store.get(raw).await, ErrorKind::InvalidCid)?;
    refused("it among many", store.get_many(&[cid, raw]).await, ErrorKind::InvalidCid)?;
    same("the node itself", store.has(&text).await?, true)
}

async fn ids_are_read_in_every_form(lab: Lab) -> Outcome {
    use cid::multibase::{Base, encode};
    let store = lab.store().await?;
    let node = root("a node")?;
    store.insert(node.clone()).await?;
    let cid = node.cid()?;
    let bytes = cid.to_bytes();
    same("a CID", store.get(cid).await?, Some(node.clone()))?;
    same("its bytes", store.get(bytes.as_slice()).await?, Some(node.clone()))?;
    let bases = [
        Base::Base2,
        Base::Base8,
        Base::Base10,
        Base::Base16Lower,
        Base::Base16Upper,
        Base::Base32Lower,
        Base::Base32Upper,
        Base::Base32HexLower,
        Base::Base32Z,
        Base::Base36Lower,
        Base::Base58Btc,
        Base::Base58Flickr,
        Base::Base64,
        Base::Base64Url,
        Base::Base64UrlPad,
    ];
    for base in bases {
        let text = encode(base, &bytes);
        same(&text, store.get(&text).await?, Some(node.clone()))?;
        same(&text, store.has(text.as_str()).await?, true)?;
    }
    same("a removal by text", store.remove(cid.to_string()).await?, true)
}

async fn blocks_are_kept_as_they_came(lab: Lab) -> Outcome {
    let store = lab.store().await?;
    let node = root("a node")?;
    let block = node.as_bytes();
    same("the CID returned", store.insert_block(block).await?, node.cid()?)?;
    same("the block", store.get_block(node.cid()?).await?.as_deref(), Some(block))?;
    same("the node", store.get(node.cid()?).await?, Some(node.clone()))?;
    same("the CID returned again", store.insert_block(block).await?, node.cid()?)?;
    same("the number of commits", sequence(&store).await?, 1)
}

async fn malformed_blocks_are_refused(lab: Lab) -> Outcome {
    let store = lab.store().await?;
    let good = root("a node")?.as_bytes().to_vec();
    let before = look(&store).await?;
    for length in 0..good.len() {
        let result = store.insert_block(&good[..length]).await;
        refused(&format!("its first {length} bytes"), result, ErrorKind::InvalidNode)?;
    }
    let longer = [&good[..], &[0]].concat();
    refused("a byte too many", store.insert_block(&longer).await, ErrorKind::InvalidNode)?;
    // The map's head, one entry too many or too few.
    for head in [good[0] + 1, good[0] - 1] {
        let block = [&[head], &good[1..]].concat();
        refused("another map head", store.insert_block(&block).await, ErrorKind::InvalidNode)?;
    }
    // A map head of two bytes for a length that fits into one.
    let loose = [&[0xb8, good[0] & 0x1f], &good[1..]].concat();
    refused("a longer encoding", store.insert_block(&loose).await, ErrorKind::InvalidNode)?;
    // One more key, in its place before all the others.
    let versioned = [&[good[0] + 1, 0x61, b'v', 0x02], &good[1..]].concat();
    let result = store.insert_block(&versioned).await;
    refused("a later version", result, ErrorKind::UnsupportedVersion)?;
    let unknown = [&[good[0] + 1, 0x61, b'w', 0x02], &good[1..]].concat();
    refused("an unknown key", store.insert_block(&unknown).await, ErrorKind::InvalidNode)?;
    same("the store", look(&store).await?, before)?;
    store.insert_block(&good).await?;
    let changes = Changes::new();
    same("the good one", store.commit(changes).await?.sequence, 1)
}
