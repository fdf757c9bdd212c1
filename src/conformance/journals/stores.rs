//! Stores that are kept in a journal.

use std::sync::Arc;

use futures::future::{join, join_all};

use super::{JournalLab, Place};
use crate::conformance::contract;
use crate::conformance::failure::{Outcome, ensure, precondition, refused, same};
use crate::conformance::lab::{cancelled_after, give_way};
use crate::conformance::model::{Sight, hash_of, look};
use crate::conformance::sample::{Dice, chain, child, cids, dag, inserts, removals, root};
use crate::{
    Changes, CommitId, Condition, DagNode, DagStore, ErrorKind, ListQuery, SharedDagStore, Writers,
};

contract! { @ JournalLab;
    /// A store that is opened anew is the one that was closed, after whatever commit: the same nodes in
    /// the same order, heads, sequence number and state hash.
    a_store_opened_anew_is_the_same,
    /// The same where checkpoints stand in the place of commits; lists go on where they were.
    a_store_opened_from_a_checkpoint_is_the_same,
    /// Commits that wait together all happen, each once, in the order of the calls.
    commits_that_wait_together_all_happen,
    /// Stores on one journal that write at each other all get their commits in, and agree in the end.
    stores_that_write_at_each_other_agree,
    /// A condition is checked on what other writers did before.
    conditions_see_what_others_did,
    /// A commit that is dropped, at whichever poll, is there wholly or not at all, opened anew too.
    commits_dropped_at_any_poll_are_all_or_nothing_on_the_medium,
    /// A commit larger than the journal takes is refused, and nothing is written.
    a_commit_too_large_is_refused,
    /// The ids of commits that happened are known, opened anew too; others are not.
    ids_of_commits_are_known,
}

async fn open(place: &Place) -> Outcome<SharedDagStore> {
    Ok(SharedDagStore::open(place.open().await?).await?)
}

async fn sight(store: &SharedDagStore) -> Outcome<Sight> {
    let store: Arc<dyn DagStore> = Arc::new(store.clone());
    look(&store).await
}

/// Closes a store and opens it anew, and checks that nobody could tell.
async fn reopened(place: &Place, store: SharedDagStore) -> Outcome<SharedDagStore> {
    let before = sight(&store).await?;
    store.close().await?;
    let store = open(place).await?;
    same("the store opened anew", sight(&store).await?, before)?;
    Ok(store)
}

async fn a_store_opened_anew_is_the_same(lab: JournalLab) -> Outcome {
    let (place, journal) = lab.journal().await?;
    journal.close().await?;
    drop(journal);
    let nodes = dag(&mut Dice::new(5), 60)?;
    let mut before: Vec<DagNode> = Vec::new();
    let mut store = reopened(&place, open(&place).await?).await?;
    for (number, group) in nodes.chunks(6).enumerate() {
        let commit = store.commit(inserts(group.iter().rev())).await?;
        same("the inserted nodes", commit.inserted.len(), 6)?;
        let hash = store.get_state_hash().await?;
        same("the commit's state hash", commit.state_hash, Some(hash))?;
        // Each time one comes that goes the next time.
        let passing = child(&format!("passing {number}"), &[&group[5]])?;
        let mut changes = inserts([&passing]);
        for gone in &before {
            changes.remove(gone.cid()?)?;
        }
        let commit = store.commit(changes).await?;
        same("the removed nodes", &commit.removed[..], &cids(&before)?[..])?;
        before = vec![passing];
        // Nothing happens, and makes no commit.
        let nothing = store.commit(inserts([&group[5]])).await?;
        ensure(nothing.is_empty(), "a commit of what is there does something")?;
        ensure(nothing.state_hash.is_some(), "a commit of nothing has no state hash")?;
        store = reopened(&place, store).await?;
        for node in &nodes[..6 * number] {
            ensure(store.get(node.cid()?).await?.as_ref() == Some(node), "a node has changed")?;
        }
    }
    store.verify().await?;
    store.close().await?;
    Ok(())
}

async fn a_store_opened_from_a_checkpoint_is_the_same(lab: JournalLab) -> Outcome {
    let (place, journal) = lab.journal().await?;
    let keeps = journal.promises().checkpoints;
    journal.close().await?;
    drop(journal);
    if !keeps {
        return Ok(());
    }
    let mut store = open(&place).await?;
    ensure(store.checkpoint().await?, "a checkpoint of nothing is not in force")?;
    store = reopened(&place, store).await?;
    let nodes = chain("kept", 40)?;
    let goes =
        (0..40).map(|number| root(&format!("goes {number}"))).collect::<Outcome<Vec<_>>>()?;
    let mut first_page = None;
    for (number, (stays, goes)) in nodes.chunks(8).zip(goes.chunks(8)).enumerate() {
        store.commit(inserts(stays.iter().chain(goes))).await?;
        store.commit(removals(&goes[..number + 2])?).await?;
        if first_page.is_none() {
            let query = ListQuery { limit: 5, ..ListQuery::default() };
            first_page = Some(store.list_page(&query).await?);
        }
        if number != 1 {
            ensure(store.checkpoint().await?, "a checkpoint is not in force")?;
        }
        if number == 3 {
            // Checkpoint upon checkpoint.
            store.insert(root("between")?).await?;
            ensure(store.checkpoint().await?, "a checkpoint is not in force")?;
        }
        store = reopened(&place, store).await?;
        let opened = store.opened().copied().unwrap_or_default();
        ensure(opened.checkpoint.is_some(), "it was not opened from the checkpoint")?;
        same("the commits after it", opened.commits, if number == 1 { 2 } else { 0 })?;
    }
    // A list goes on where it was, by what its cursor says.
    let Some(first) = first_page else { return precondition(false, "a first page") };
    let rest = ListQuery { cursor: first.next, limit: 1_000, ..ListQuery::default() };
    let rest = store.list_page(&rest).await?.nodes;
    let all = store.list().await?;
    let seen = cids(&first.nodes)?;
    let expected: Vec<DagNode> =
        all.into_iter().filter(|node| !seen.contains(&node.cid().unwrap_or_default())).collect();
    same("the rest of a list", cids(&rest)?, cids(&expected)?)?;
    store.verify().await?;
    store.close().await?;
    Ok(())
}

async fn commits_that_wait_together_all_happen(lab: JournalLab) -> Outcome {
    let place = lab.place();
    let store = open(&place).await?;
    let nodes = chain("together", 50)?;
    let commits = join_all(nodes.iter().map(|node| store.commit(inserts([node])))).await;
    for (commit, (sequence, node)) in commits.into_iter().zip((1..).zip(&nodes)) {
        let commit = commit?;
        same("the sequence number", commit.sequence, sequence)?;
        same("the nodes", commit.inserted, cids([node])?)?;
    }
    // Among those that wait, some are refused, and some do nothing.
    let orphans = chain("orphans", 2)?;
    let (new, gone) = (root("new")?, nodes[49].cid()?);
    let mut removal = Changes::new();
    removal.remove(gone)?;
    let mut absent = inserts([&root("another")?]);
    absent.require(Condition::Absent(gone));
    let work = [
        inserts([&orphans[1]]),
        inserts([&new]),
        inserts([&new]),
        removals([&nodes[20]])?,
        removal,
        absent,
        inserts([&nodes[49]]),
        inserts([&orphans[0]]),
        inserts([&orphans[1]]),
    ];
    let done = join_all(work.into_iter().map(|changes| store.commit(changes))).await;
    let kinds: Vec<_> = done
        .into_iter()
        .map(|commit| commit.map(|commit| commit.sequence).map_err(|error| error.kind()))
        .collect();
    let expected = [
        Err(ErrorKind::MissingParent),
        Ok(51),
        Ok(51),
        Err(ErrorKind::HasChildren),
        Ok(52),
        Ok(53),
        Ok(54),
        Ok(55),
        Ok(56),
    ];
    same("what became of them", &kinds[..], &expected[..])?;
    let store = reopened(&place, store).await?;
    store.close().await?;
    Ok(())
}

async fn stores_that_write_at_each_other_agree(lab: JournalLab) -> Outcome {
    const STORES: usize = 3;
    const COMMITS: usize = 20;
    let (place, journal) = lab.journal().await?;
    let many = journal.promises().writers == Writers::Many;
    journal.close().await?;
    drop(journal);
    if !many {
        return Ok(());
    }
    let stores = join_all((0..STORES).map(|_| open(&place))).await;
    let stores = stores.into_iter().collect::<Outcome<Vec<_>>>()?;
    let commits = join_all(stores.iter().enumerate().map(|(number, store)| async move {
        let nodes = chain(&format!("store {number}"), COMMITS)?;
        let mut sequences = Vec::new();
        for (at, node) in nodes.iter().enumerate() {
            give_way((number + at) % 3).await;
            // One that they all want, too: who is first inserts it.
            let wanted = root(&format!("wanted {at}"))?;
            let commit = store.commit(inserts([node, &wanted])).await?;
            ensure(commit.inserted.first() == Some(&node.cid()?), "a commit without its node")?;
            sequences.push(commit.sequence);
        }
        Outcome::Ok((nodes, sequences))
    }))
    .await;
    let (mut nodes, mut sequences) = (Vec::new(), Vec::new());
    for commit in commits {
        let (mine, places) = commit?;
        ensure(places.is_sorted(), "a store's commits are out of order")?;
        nodes.extend(mine);
        sequences.extend(places);
    }
    sequences.sort_unstable();
    let all = (STORES * COMMITS) as u64;
    same("the places of all commits", sequences, (1..=all).collect::<Vec<u64>>())?;
    let mut sights = Vec::new();
    for store in &stores {
        store.refresh().await?;
        sights.push(sight(store).await?);
        store.verify().await?;
        store.close().await?;
    }
    let store = open(&place).await?;
    let seen = sight(&store).await?;
    ensure(sights.iter().all(|one| *one == seen), "the stores do not agree")?;
    ensure(
        nodes.iter().all(|node| seen.nodes.contains(&node.cid().unwrap_or_default())),
        "a node is lost",
    )?;
    same("the nodes", seen.nodes.len(), STORES * COMMITS + COMMITS)?;
    same("the state hash", seen.state_hash, hash_of(&store.list().await?).await?)?;
    store.close().await?;
    Ok(())
}

async fn conditions_see_what_others_did(lab: JournalLab) -> Outcome {
    let (place, journal) = lab.journal().await?;
    let many = journal.promises().writers == Writers::Many;
    journal.close().await?;
    drop(journal);
    if !many {
        return Ok(());
    }
    let (one, two) = (open(&place).await?, open(&place).await?);
    let nodes = chain("chain", 4)?;
    one.insert(nodes[0].clone()).await?;
    // What the first has done, the second sees in time: here only in its own commit.
    let commit = two.commit(inserts([&nodes[1]])).await?;
    same("the second commit", commit.sequence, 2)?;
    same("a node that is there", two.commit(inserts([&nodes[0]])).await?.inserted, vec![])?;
    let mut stale = inserts([&root("stale")?]);
    stale.require(Condition::Heads { scope_id: None, heads: cids([&nodes[0]])? });
    let error = one.commit(stale).await.map(|commit| commit.sequence);
    refused("heads that were so once", error, ErrorKind::ConditionFailed)?;
    one.commit(inserts([&nodes[2]])).await?;
    let removal = two.commit(removals([&nodes[1]])?).await.map(|commit| commit.sequence);
    refused("a node with a new child", removal, ErrorKind::HasChildren)?;
    let mut hash = inserts([&nodes[3]]);
    hash.require(Condition::StateHash(one.get_state_hash().await?));
    two.commit(hash).await?;
    let mut absent = inserts([&root("unless it is there")?]);
    absent.require(Condition::Absent(nodes[3].cid()?));
    let absent = one.commit(absent).await.map(|commit| commit.sequence);
    refused("a node that has come", absent, ErrorKind::ConditionFailed)?;
    same("the stores", sight(&one).await?, sight(&two).await?)?;
    one.close().await?;
    two.close().await?;
    Ok(())
}

async fn commits_dropped_at_any_poll_are_all_or_nothing_on_the_medium(lab: JournalLab) -> Outcome {
    let place = lab.place();
    let mut store = open(&place).await?;
    let mut polls = 0;
    loop {
        let new = chain(&format!("new {polls}"), 3)?;
        let done = {
            // What somebody else has begun, and given up, is under way.
            let other = Box::pin(store.commit(inserts([&root(&format!("other {polls}"))?])));
            drop(cancelled_after(polls % 5, other).await);
            let commit = Box::pin(store.commit(inserts(new.iter().rev())));
            cancelled_after(polls, commit).await.transpose()?
        };
        if polls % 2 == 0 {
            let marker = root(&format!("marker {polls}"))?;
            store.insert(marker).await?;
        }
        store.close().await?;
        store = open(&place).await?;
        sight(&store).await?;
        let there = store.has_many(&cids(&new)?).await?;
        ensure(there.iter().all(|one| *one == there[0]), "half of a dropped commit is there")?;
        if done.is_some() {
            ensure(there[0], "a commit came to its end without effect")?;
            break;
        }
        polls += 1;
        ensure(polls < 10_000, "a commit never comes to its end")?;
    }
    store.close().await?;
    Ok(())
}

async fn a_commit_too_large_is_refused(lab: JournalLab) -> Outcome {
    let (place, journal) = lab.journal().await?;
    let most = journal.promises().max_append;
    journal.close().await?;
    drop(journal);
    let store = open(&place).await?;
    store.insert(root("before")?).await?;
    let Some(most) = most.filter(|most| *most < 32 << 20) else {
        store.close().await?;
        return Ok(());
    };
    let length = 500_000;
    let count = usize::try_from(most).unwrap_or(usize::MAX) / length + 1;
    let large = (0..count).map(|at| root(&format!("{at} {}", "x".repeat(length))));
    let large = large.collect::<Outcome<Vec<_>>>()?;
    let before = sight(&store).await?;
    let (too_large, fits) =
        join(store.commit(inserts(&large)), store.commit(inserts([&root("beside")?]))).await;
    refused("a commit too large", too_large.map(|commit| commit.sequence), ErrorKind::Limit)?;
    same("the commit beside it", fits?.sequence, before.sequence + 1)?;
    let store = reopened(&place, store).await?;
    store.close().await?;
    Ok(())
}

async fn ids_of_commits_are_known(lab: JournalLab) -> Outcome {
    let place = lab.place();
    let mut store = open(&place).await?;
    let mut ids = Vec::new();
    for (number, node) in chain("known", 6)?.iter().enumerate() {
        let id = CommitId::from([u8::try_from(number).unwrap_or(0) + 1; 16]);
        let mut changes = inserts([node]);
        changes.set_id(id);
        same("the id", store.commit(changes).await?.id, id)?;
        ids.push(id);
        if number % 2 == 1 {
            if store.status().await?.promises.is_some_and(|promises| promises.checkpoints) {
                store.checkpoint().await?;
            }
            store = reopened(&place, store).await?;
        }
        for id in &ids {
            ensure(store.has_commit(id).await?, "a commit is forgotten")?;
        }
        let other = CommitId::from([99; 16]);
        ensure(!store.has_commit(&other).await?, "a commit is known that never was")?;
    }
    store.close().await?;
    Ok(())
}
