//! CAR files: nodes on their way from store to store.

use std::collections::HashSet;
use std::io;
use std::sync::Arc;

use futures::{Stream, StreamExt as _, TryStreamExt as _, stream};

use super::contract;
use super::failure::{Outcome, different, ensure, precondition, refused, same};
use super::lab::Lab;
use super::model::{heads_of, look, sequence};
use super::sample::{Dice, SCOPES, chain, child, cids, dag, event, fill, removals, root, roots};
use crate::car::{self, Part};
use crate::{
    CarWriter, Changes, Cid, CommitId, Condition, DagEventType, DagNode, DagStore,
    DagStoreExt as _, ErrorKind, ExportQuery, Imported, Limits, Result,
};

contract! {
    /// An export has every node of the store, in insertion order, and the heads for its roots.
    exports_hold_every_node,
    /// An export of a scope has the nodes of that scope, and the scope's heads for its roots.
    exports_of_a_scope_hold_its_nodes,
    /// An export of a past has the nodes asked for and their ancestors, without those that the reader
    /// has already and their ancestors.
    exports_of_a_past_hold_its_ancestors,
    /// An export after a commit has what was inserted since, as far as it is still there; after one that
    /// is yet to come, it is refused.
    exports_after_a_commit_hold_what_is_new,
    /// An export names up to 1,024 roots, the newest of them if there are more.
    exports_name_so_many_roots,
    /// An export has the nodes of one state, whatever is written meanwhile, or it fails.
    exports_are_of_one_state,
    /// An import of an export makes the same state, in one commit, whatever the order of the blocks,
    /// and however often.
    imports_make_the_same_state,
    /// An import keeps to the conditions and the id of its commit.
    imports_keep_to_their_conditions,
    /// A file that was cut short or changed in any byte is refused, with the place, and changes
    /// nothing.
    imports_are_whole_or_nothing,
    /// Parents and roots of a file must be in the file or in the store.
    imports_need_parents_and_roots,
    /// A file with parents that are nowhere is refused with the place of the first node that has one.
    imports_tell_where_a_parent_is_missing,
    /// An import is bounded by the limits of a batch.
    imports_keep_to_the_limits,
}

/// What a file holds: its roots, and the digests and blocks in their order.
#[derive(Debug, PartialEq)]
struct Content {
    roots: Vec<Cid>,
    nodes: Vec<DagNode>,
}

/// Reads a file, checking that each block is a node and hashes to its CID.
fn read(file: &[u8]) -> Outcome<Content> {
    let mut content = Content { roots: Vec::new(), nodes: Vec::new() };
    car::read(file, Limits::default().block_bytes, |part| {
        match part {
            Part::Roots(roots) => content.roots = roots,
            Part::Section(section) => {
                let cid = crate::id::cid_of(&section.digest);
                content.nodes.push(DagNode::decode_as(&cid, section.block)?);
            }
        }
        Ok(())
    })?;
    Ok(content)
}

async fn exported(store: &Arc<dyn DagStore>, query: &ExportQuery) -> Outcome<Content> {
    let chunks = Arc::clone(store).export(query.clone());
    read(&chunks.try_concat().await?)
}

/// What should be in a file of these nodes, which are all in their order.
fn expected(nodes: &[DagNode], chosen: impl Fn(&DagNode) -> bool) -> Outcome<Content> {
    let nodes: Vec<DagNode> = nodes.iter().filter(|node| chosen(node)).cloned().collect();
    Ok(Content { roots: heads_of(&nodes, None)?, nodes })
}

/// These nodes and their ancestors, among nodes that are all in their order.
fn past(nodes: &[DagNode], of: &[Cid]) -> Outcome<HashSet<Cid>> {
    let mut past: HashSet<Cid> = of.iter().copied().collect();
    for node in nodes.iter().rev() {
        if past.contains(&node.cid()?) {
            past.extend(node.parents());
        }
    }
    Ok(past)
}

fn is_in(set: &HashSet<Cid>, node: &DagNode) -> bool {
    node.cid().is_ok_and(|cid| set.contains(&cid))
}

async fn import(store: &Arc<dyn DagStore>, file: &[u8]) -> Result<Imported> {
    store.import_car(chunks(file)).await
}

/// A file in chunks.
fn chunks(file: &[u8]) -> impl Stream<Item = io::Result<Vec<u8>>> + use<> {
    let chunks: Vec<_> = file.chunks(100).map(|chunk| Ok(chunk.to_vec())).collect();
    stream::iter(chunks)
}

/// A file of these nodes, in this order.
fn file_of(roots: &[Cid], nodes: &[DagNode]) -> Outcome<Vec<u8>> {
    let mut writer = CarWriter::new(roots)?;
    for node in nodes {
        writer.write(node);
    }
    Ok(writer.take())
}

async fn exports_hold_every_node(lab: Lab) -> Outcome {
    let store = lab.store().await?;
    let nothing = Content { roots: vec![], nodes: vec![] };
    same("of an empty store", exported(&store, &ExportQuery::default()).await?, nothing)?;
    let nodes = dag(&mut Dice::new(41), 60)?;
    fill(&store, &nodes).await?;
    store.commit(removals(&nodes[59..])?).await?;
    let found = exported(&store, &ExportQuery::default()).await?;
    precondition(found.roots.len() > 1, "there are several heads")?;
    same("the roots", &found.roots, &store.heads(None).await?)?;
    same("the nodes", found.nodes, nodes[..59].to_vec())?;
    let awaited = store.export_car().await?;
    same("awaited", read(&awaited)?.nodes, nodes[..59].to_vec())
}

async fn exports_of_a_scope_hold_its_nodes(lab: Lab) -> Outcome {
    let store = lab.store().await?;
    let nodes = dag(&mut Dice::new(42), 60)?;
    fill(&store, &nodes).await?;
    for scope in SCOPES {
        let file = read(&store.export_car().scope_id(scope).await?)?;
        precondition(!file.nodes.is_empty(), "the scope has nodes")?;
        same("the roots", &file.roots, &store.heads(Some(scope)).await?)?;
        same("all of it", file, expected(&nodes, |node| node.scope_id() == scope)?)?;
    }
    let nothing = Content { roots: vec![], nodes: vec![] };
    same("of no scope", read(&store.export_car().scope_id("nobody's").await?)?, nothing)
}

async fn exports_of_a_past_hold_its_ancestors(lab: Lab) -> Outcome {
    let store = lab.store().await?;
    let mut dice = Dice::new(43);
    let nodes = dag(&mut dice, 60)?;
    fill(&store, &nodes).await?;
    let stranger = root("a stranger")?.cid()?;
    let mut sizes = HashSet::new();
    for round in 0..30 {
        let mut some = |count: usize| cids((0..count).map(|_| &nodes[dice.below(60)]));
        let (of, not) = (some(1 + round % 3)?, some(round % 4)?);
        let unknown = not.iter().copied().chain([stranger]);
        let (wanted, there) = (past(&nodes, &of)?, past(&nodes, &not)?);
        let chosen = |node: &DagNode| is_in(&wanted, node) && !is_in(&there, node);

        let file = read(&store.export_car().past_of(&of).not_past_of(unknown).await?)?;
        sizes.insert(file.nodes.len());
        same("a range", file, expected(&nodes, chosen)?)?;
        let file = read(&store.export_car().not_past_of(&not).await?)?;
        same("what is missing", file, expected(&nodes, |node| !is_in(&there, node))?)?;
        let file = read(&store.export_car().past_of(&of).scope_id(SCOPES[0]).await?)?;
        let chosen = |node: &DagNode| is_in(&wanted, node) && node.scope_id() == SCOPES[0];
        same("of a scope", file, expected(&nodes, chosen)?)?;
    }
    precondition(sizes.len() > 5, "the ranges differ")?;
    let of_a_stranger = store.export_car().past_of([stranger]).await;
    refused("the past of what is not there", of_a_stranger, ErrorKind::NotFound)?;
    let nonsense = store.export_car().past_of(["nonsense"]).await;
    refused("the past of no id", nonsense, ErrorKind::InvalidCid)?;
    let nothing = read(&store.export_car().past_of([] as [Cid; 0]).await?)?;
    same("the past of nothing", nothing.nodes.len(), 0)
}

async fn exports_after_a_commit_hold_what_is_new(lab: Lab) -> Outcome {
    let store = lab.store().await?;
    let nodes = dag(&mut Dice::new(44), 60)?;
    for part in nodes.chunks(20) {
        fill(&store, part).await?;
    }
    store.commit(removals(&nodes[59..])?).await?;
    let new: HashSet<Cid> = cids(&nodes[20..])?.into_iter().collect();
    let left = &nodes[..59];
    let file = read(&store.export_car().after_commit(1).await?)?;
    same("after the first", &file, &expected(left, |node| is_in(&new, node))?)?;
    let of = cids(&nodes[50..59])?;
    let wanted = past(&nodes, &of)?;
    precondition(wanted.len() > 9, "the last nodes have a past")?;
    let file = read(&store.export_car().after_commit(1).past_of(&of).await?)?;
    let chosen = |node: &DagNode| is_in(&new, node) && is_in(&wanted, node);
    same("with a past", file, expected(left, chosen)?)?;
    let file = read(&store.export_car().after_commit(3).await?)?;
    same("after the last that inserted", file.nodes.len(), 0)?;
    let file = read(&store.export_car().after_commit(4).await?)?;
    same("after the last", file.nodes.len(), 0)?;
    for export in [store.export_car(), store.export_car().past_of(&of).scope_id("nobody's")] {
        let refusal = export.after_commit(5).await;
        refused("after one that is yet to come", refusal, ErrorKind::InvalidArgument)?;
    }

    // What came since, imported where the rest is already, makes the same state.
    let replica = lab.store().await?;
    fill(&replica, &nodes[..20]).await?;
    import(&replica, &store.export_car().after_commit(1).await?).await?;
    same("the replica", replica.state_hash(None).await?, store.state_hash(None).await?)
}

async fn exports_name_so_many_roots(lab: Lab) -> Outcome {
    let store = lab.store().await?;
    let most = CarWriter::MOST_ROOTS;
    let nodes = roots("root", most + 10)?;
    fill(&store, &nodes).await?;
    let file = exported(&store, &ExportQuery::default()).await?;
    same("the roots", file.roots, cids(&nodes[10..])?)?;
    same("the nodes", file.nodes.len(), nodes.len())?;
    let too_many = CarWriter::new(&cids(&nodes)?);
    refused("too many roots", too_many, ErrorKind::Limit).map(drop)
}

async fn exports_are_of_one_state(lab: Lab) -> Outcome {
    // Large enough for several chunks, however a store cuts them.
    let large = |name: &str, parents: &[&DagNode]| -> Outcome<DagNode> {
        let text = name.repeat((900 << 10) / name.len());
        event(SCOPES[0], 0, &DagEventType::Receipt, &text, parents)
    };
    let mut nodes = vec![large("node 0", &[])?];
    for number in 1..8 {
        nodes.push(large(&format!("node {number}"), &[&nodes[0]])?);
    }
    let of_all: Vec<Cid> = cids(&nodes)?;
    for (query, what) in [
        (ExportQuery::default(), "all"),
        (ExportQuery { past_of: Some(of_all), ..ExportQuery::default() }, "a past"),
    ] {
        let store = lab.store().await?;
        // One by one, since a store may be kept where a commit has not room for all of them.
        for node in &nodes {
            store.insert(node.clone()).await?;
        }
        let whole = exported(&store, &query).await?;

        let mut export = Arc::clone(&store).export(query.clone());
        let mut file = export.try_next().await?.unwrap_or_default();
        let late = child("late", &[&nodes[7]])?;
        store.insert(late.clone()).await?;
        file.extend(export.try_concat().await?);
        same(&format!("{what}, and a node more meanwhile"), &read(&file)?, &whole)?;

        let whole = exported(&store, &query).await?;
        let mut export = Arc::clone(&store).export(query);
        let mut file = export.try_next().await?.unwrap_or_default();
        store.commit(removals([&late, &nodes[7]])?).await?;
        let mut ended = None;
        while let Some(chunk) = export.next().await {
            precondition(ended.is_none(), "an error is the end")?;
            match chunk {
                Ok(chunk) => file.extend(chunk),
                Err(error) => ended = Some(error),
            }
        }
        match ended {
            None => same(&format!("{what}, and a node less"), read(&file)?, whole)?,
            Some(error) => {
                let kind = error.kind();
                same(&format!("{what}, and a node less"), kind, ErrorKind::ConditionFailed)?;
            }
        }
    }
    Ok(())
}

async fn imports_make_the_same_state(lab: Lab) -> Outcome {
    let store = lab.store().await?;
    let nodes = dag(&mut Dice::new(45), 60)?;
    fill(&store, &nodes).await?;
    let there = look(&store).await?;
    let file = store.export_car().await?;

    let replica = lab.store().await?;
    let streamed = replica.import_car(store.export_car().stream()).await?;
    same("the replica", look(&replica).await?, there)?;
    same("the roots", &streamed.roots, &store.heads(None).await?)?;
    same("what came in", &streamed.commit.inserted, &cids(&nodes)?)?;
    same("in one commit", streamed.commit.sequence, 1)?;
    let again = import(&replica, &file).await?;
    ensure(again.commit.is_empty(), "a second import changed something")?;
    same("the sequence number", sequence(&replica).await?, 1)?;

    // Children first, and each twice.
    let mut shuffled: Vec<DagNode> = nodes.iter().rev().cloned().collect();
    shuffled.extend_from_slice(&nodes);
    let replica = lab.store().await?;
    import(&replica, &file_of(&streamed.roots, &shuffled)?).await?;
    same("from a shuffled file", replica.state_hash(None).await?, store.state_hash(None).await?)?;
    same("the number of nodes", replica.len(None).await?, 60)
}

async fn imports_keep_to_their_conditions(lab: Lab) -> Outcome {
    let store = lab.store().await?;
    let nodes = chain("node", 3)?;
    let file = file_of(&cids(&nodes[2..])?, &nodes)?;

    let mut changes = Changes::new();
    changes.require(Condition::Heads { scope_id: None, heads: cids(&nodes[..1])? });
    let refusal = store.import_car_with(chunks(&file), changes).await;
    refused("heads that are others", refusal, ErrorKind::ConditionFailed)?;
    same("then the store is empty", store.len(None).await?, 0)?;

    let other = root("of the same commit")?;
    let id = CommitId::from([7; 16]);
    let mut changes = Changes::new();
    changes.require(Condition::Heads { scope_id: None, heads: vec![] });
    changes.set_id(id);
    changes.want_state_hash(true);
    changes.insert(other.clone());
    let imported = store.import_car_with(chunks(&file), changes).await?;
    same("the id", imported.commit.id, id)?;
    same("the state hash", imported.commit.state_hash, Some(store.state_hash(None).await?))?;
    let inserted = [cids([&other])?, cids(&nodes)?].concat();
    same("what came in", imported.commit.inserted, inserted)
}

async fn imports_are_whole_or_nothing(lab: Lab) -> Outcome {
    let store = lab.store().await?;
    let there = root("there before")?;
    store.insert(there.clone()).await?;
    let before = look(&store).await?;
    let empty = before.state_hash;
    let first = child("first", &[&there])?;
    let second = child("second", &[&there])?;
    let both = child("both", &[&first, &second])?;
    let file = file_of(&cids([&both])?, &[first, second, both])?;
    for length in 0..file.len() {
        let refusal = import(&store, &file[..length]).await;
        let Err(error) = refusal else {
            return ensure(false, &format!("the first {length} bytes were imported"));
        };
        same("the place of the end", error.offset(), Some(length as u64))?;
    }
    for at in 0..file.len() {
        for bit in [1, 1 << 7] {
            let mut damaged = file.clone();
            damaged[at] ^= bit;
            let refusal = import(&store, &damaged).await;
            let Err(error) = refusal else {
                return ensure(false, &format!("the file was imported with byte {at} changed"));
            };
            let place = error.offset().is_some_and(|place| place <= file.len() as u64);
            ensure(place, "the error does not say at which byte")?;
        }
    }
    same("the store, after all of that", look(&store).await?, before)?;
    let failing = chunks(&file).take(2).chain(stream::iter([Err(io::Error::other("gone"))]));
    refused("a stream that fails", store.import_car(failing).await, ErrorKind::Storage)?;
    let imported = import(&store, &file).await?;
    same("the whole file", imported.commit.inserted.len(), 3)?;
    let changed = store.state_hash(None).await?;
    different("the state", changed, empty)
}

async fn imports_need_parents_and_roots(lab: Lab) -> Outcome {
    let store = lab.store().await?;
    let nodes = chain("node", 3)?;
    let of_last = cids(&nodes[2..])?;
    let orphan = file_of(&of_last, &nodes[2..])?;
    let error = refused("an orphan", import(&store, &orphan).await, ErrorKind::MissingParent)?;
    same("the orphan", error.cid().copied(), Some(nodes[2].cid()?))?;
    same("its parent", error.parent().copied(), Some(nodes[1].cid()?))?;
    let rootless = file_of(&of_last, &nodes[..2])?;
    let refusal = import(&store, &rootless).await;
    let error = refused("a root that is nowhere", refusal, ErrorKind::InvalidArgument)?;
    same("the root", error.cid().copied(), Some(nodes[2].cid()?))?;
    same("then the store is empty", store.len(None).await?, 0)?;

    fill(&store, &nodes[..2]).await?;
    import(&store, &orphan).await?;
    // Now the root is in the store.
    let imported = import(&store, &rootless).await?;
    same("the roots", imported.roots, of_last)?;
    let bare = import(&store, &file_of(&[], &nodes)?).await?;
    same("a file without roots", bare.roots, vec![])
}

async fn imports_tell_where_a_parent_is_missing(lab: Lab) -> Outcome {
    let store = lab.store().await?;
    let [there, missing] = [root("there")?, root("missing")?];
    fill(&store, [&there]).await?;
    let parent = child("parent", &[&there])?;
    // A parent may come later, and a node twice.
    let others = [child("child", &[&there, &parent])?, parent.clone(), parent, there.clone()];
    let orphans = [child("orphan", &[&there, &missing])?, child("another", &[&missing])?];
    for place in 0..=others.len() {
        let (before, after) = others.split_at(place);
        let files = [
            [before, &orphans[..1], after].concat(),
            [before, &orphans[..1], after, &orphans].concat(),
        ];
        for nodes in files {
            let refusal = import(&store, &file_of(&[], &nodes)?).await;
            let error = refused("the orphan", refusal, ErrorKind::MissingParent)?;
            let offset = file_of(&[], before)?.len() as u64;
            same("its place", error.offset(), Some(offset))?;
            same("the orphan", error.cid().copied(), Some(orphans[0].cid()?))?;
            same("its parent", error.parent().copied(), Some(missing.cid()?))?;
        }
    }
    same("then the store", store.len(None).await?, 1)?;
    // What is staged beside a file stands nowhere in it.
    let mut changes = Changes::new();
    changes.insert(orphans[0].clone());
    let refusal = store.import_car_with(chunks(&file_of(&[], &others)?), changes).await;
    let error = refused("an orphan beside it", refusal, ErrorKind::MissingParent)?;
    same("its place", error.offset(), None)?;
    let whole = [&orphans[..], &others, &[missing]].concat();
    import(&store, &file_of(&[], &whole)?).await?;
    same("with the parent", store.len(None).await?, 6)
}

async fn imports_keep_to_the_limits(lab: Lab) -> Outcome {
    let nodes = roots("node", 5)?;
    let bytes = nodes[0].as_bytes().len();
    let within = Limits::default();
    for (limits, what) in [
        (within.clone().with_batch_operations(4), "operations"),
        (within.clone().with_batch_bytes(5 * bytes - 1), "bytes"),
        (within.with_block_bytes(bytes - 1), "bytes of a block"),
    ] {
        let store = lab.store_with(limits).await?;
        let refusal = import(&store, &file_of(&[], &nodes)?).await;
        let error = refused(what, refusal, ErrorKind::Limit)?;
        ensure(error.offset().is_some(), "the error does not say at which byte")?;
        same("then the store is empty", store.len(None).await?, 0)?;
    }
    let exact = Limits::default().with_batch_operations(5).with_batch_bytes(5 * bytes);
    let store = lab.store_with(exact.with_block_bytes(bytes)).await?;
    import(&store, &file_of(&[], &[&nodes[..], &nodes].concat())?).await?;
    same("as many as there may be", store.len(None).await?, 5)
}
