//! Many at once: writers, readers, rivals. In a lab with a spawner they are on threads.

use std::collections::HashSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use super::contract;
use super::failure::{Failure, Outcome, ensure, precondition, same};
use super::lab::{Lab, give_way, poll_once};
use super::model::{all, hash_of, in_topological_order, look, sequence};
use super::sample::{Dice, SCOPE, chain, child, cids, fill, inserts, removals, root, roots};
use crate::{
    BoxFuture, Cid, Commit, Condition, DagError, DagNode, DagStore, DagStoreExt, ErrorKind,
    ListQuery,
};

contract! {
    /// Ten writers insert ten nodes each: a hundred nodes, a hundred commits.
    ten_writers_insert_ten_nodes_each,
    /// Writes of one store take effect in the order of the calls.
    writes_take_effect_in_the_order_of_the_calls,
    /// A read that begins after a write has ended sees it.
    reads_see_the_writes_that_ended_before,
    /// Reads see a commit wholly or not at all.
    readers_see_no_half_batch,
    /// Chains formed concurrently are whole.
    chains_form_concurrently,
    /// The same CID inserted concurrently is new to one commit, and no error to the others.
    same_node_inserted_concurrently_is_new_once,
    /// Two batches commit at once: 50 nodes, 25 more by one, 10 fewer by the other, are 65.
    competing_batches_commit_at_once,
    /// Of rivals that commit under the same condition, exactly one succeeds.
    one_of_many_rivals_succeeds,
    /// Writers that retry a condition until it holds form one line, and lose nothing.
    retried_conditions_serialize_writers,
    /// A parent's removal and a child's insertion at once: one of them is refused.
    no_race_leaves_a_link_dangling,
    /// Lists read while others write are in topological order and repeat nothing.
    lists_hold_while_others_write,
    /// Commits at once number themselves without gaps, and add up to the store.
    concurrent_commits_add_up,
}

type Store = Arc<dyn DagStore>;

/// A task for [`Lab::all`].
fn task<T>(
    work: impl Future<Output = Outcome<T>> + crate::MaybeSend + 'static,
) -> BoxFuture<'static, Outcome<T>> {
    Box::pin(work)
}

/// How many are still at it, so that nobody waits for those who have left, whyever they did.
#[derive(Clone, Default)]
struct Crew(Arc<AtomicUsize>);

impl Crew {
    fn size(&self) -> usize {
        self.0.load(Ordering::Acquire)
    }

    /// One more, until what this returns is dropped.
    fn join(&self) -> Member {
        self.0.fetch_add(1, Ordering::AcqRel);
        Member(self.clone())
    }

    /// Waits until all have left.
    async fn gone(&self) {
        while self.size() > 0 {
            give_way(1).await;
        }
    }
}

struct Member(Crew);

impl Drop for Member {
    fn drop(&mut self) {
        self.0.0.fetch_sub(1, Ordering::AcqRel);
    }
}

/// Writers and readers of one store: readers go on as long as there are writers, and writers may wait
/// to be read.
#[derive(Clone, Default)]
struct Progress {
    writers: Crew,
    readers: Crew,
    reads: Arc<AtomicUsize>,
}

impl Progress {
    fn writing(&self) -> bool {
        self.writers.size() > 0
    }

    fn read(&self) {
        self.reads.fetch_add(1, Ordering::AcqRel);
    }

    /// Waits until somebody has read what there is now: of one read more than there are readers, one
    /// began after this.
    async fn be_read(&self) {
        let before = self.reads.load(Ordering::Acquire);
        while self.reads.load(Ordering::Acquire) <= before + self.readers.size() {
            if self.readers.size() == 0 {
                return;
            }
            give_way(1).await;
        }
    }
}

async fn ten_writers_insert_ten_nodes_each(lab: Lab) -> Outcome {
    let store = lab.store().await?;
    let writers = (0..10).map(|writer| {
        let store = Arc::clone(&store);
        task(async move {
            let mut written = Vec::new();
            for node in roots(&format!("writer {writer}"), 10)? {
                written.push(store.insert(node).await?);
                give_way(written.len() % 3).await;
            }
            Ok(written)
        })
    });
    let written = lab.all(writers.collect()).await?.concat();
    let seen = look(&store).await?;
    same("the length", seen.nodes.len(), 100)?;
    same("the commits", seen.sequence, 100)?;
    let there: HashSet<Cid> = seen.nodes.into_iter().collect();
    same("what was written", written.into_iter().collect(), there)
}

async fn writes_take_effect_in_the_order_of_the_calls(lab: Lab) -> Outcome {
    let store = lab.store().await?;
    let nodes = chain("chain", 30)?;
    // Every link needs the one before it, and nothing is awaited in between.
    let mut calls: Vec<BoxFuture<'_, Result<Commit, DagError>>> =
        nodes.iter().map(|node| store.commit(inserts([node]))).collect();
    for node in nodes.iter().rev() {
        calls.push(store.commit(removals([node])?));
    }
    let mut commits = Vec::new();
    let mut waiting = Vec::new();
    for (place, mut call) in calls.into_iter().enumerate() {
        match poll_once(&mut call).await {
            std::task::Poll::Ready(commit) => commits.push((place, commit?)),
            std::task::Poll::Pending => {
                waiting.push(async move { Outcome::Ok((place, call.await?)) });
            }
        }
    }
    for commit in futures::future::join_all(waiting).await {
        commits.push(commit?);
    }
    commits.sort_by_key(|(place, _)| *place);
    let numbers: Vec<u64> = commits.iter().map(|(_, commit)| commit.sequence).collect();
    same("the sequence numbers", numbers, (1..=60).collect())?;
    let inserted: Vec<Cid> = commits.into_iter().flat_map(|(_, commit)| commit.inserted).collect();
    same("inserted", inserted, cids(&nodes)?)?;
    same("what is left", store.len(None).await?, 0)
}

async fn reads_see_the_writes_that_ended_before(lab: Lab) -> Outcome {
    let store = lab.store().await?;
    let writers = (0..6).map(|writer| {
        let store = Arc::clone(&store);
        task(async move {
            for node in roots(&format!("writer {writer}"), 15)? {
                let cid = store.insert(node.clone()).await?;
                give_way(writer % 3).await;
                ensure(store.has(cid).await?, "an insert is not to be seen")?;
                same("the node", store.get(cid).await?, Some(node))?;
                ensure(store.heads(None).await?.contains(&cid), "an insert makes no head")?;
                store.remove(cid).await?;
                ensure(!store.has(cid).await?, "a removal is not to be seen")?;
            }
            Ok(())
        })
    });
    lab.all(writers.collect()).await?;
    same("the commits", sequence(&store).await?, 6 * 15 * 2)
}

const BATCH: usize = 10;

async fn readers_see_no_half_batch(lab: Lab) -> Outcome {
    const WRITERS: usize = 3;
    const BATCHES: usize = 12;
    let store = lab.store().await?;
    let progress = Progress::default();
    let mut batches = Vec::new();
    for writer in 0..WRITERS {
        for number in 0..BATCHES {
            batches.push(chain(&format!("writer {writer} batch {number}"), BATCH)?);
        }
    }
    let batches = Arc::new(batches);
    let mut tasks = Vec::new();
    for writer in 0..WRITERS {
        let (store, batches) = (Arc::clone(&store), Arc::clone(&batches));
        let (progress, member) = (progress.clone(), progress.writers.join());
        tasks.push(task(async move {
            let mut before: Option<&Vec<DagNode>> = None;
            for (number, nodes) in batches[writer * BATCHES..][..BATCHES].iter().enumerate() {
                let mut batch = store.begin_batch().await;
                for node in nodes.iter().rev() {
                    batch.insert(node.clone()).await?;
                    give_way(number % 2).await;
                }
                // Every second batch takes the one before it away.
                if let Some(before) = before.take_if(|_| number % 2 == 1) {
                    batch.remove_many(cids(before)?).await?;
                }
                batch.commit().await?;
                before = Some(nodes);
                if number % 3 == 0 {
                    progress.be_read().await;
                }
            }
            drop(member);
            Ok(HashSet::new())
        }));
    }
    for reader in 0..3 {
        let (store, batches) = (Arc::clone(&store), Arc::clone(&batches));
        let (progress, member) = (progress.clone(), progress.readers.join());
        tasks.push(task(async move {
            let mut lengths = HashSet::new();
            let mut dice = Dice::new(14 + reader);
            while progress.writing() {
                lengths.insert(whole_batches(&store, &batches[dice.below(batches.len())]).await?);
                progress.read();
                give_way(1).await;
            }
            drop(member);
            Ok(lengths)
        }));
    }
    let lengths: HashSet<u64> = lab.all(tasks).await?.into_iter().flatten().collect();
    precondition(lengths.len() > 3, "the readers saw the store change")?;
    same("the length", store.len(None).await?, (WRITERS * BATCHES / 2 * BATCH) as u64)
}

/// Reads the store in every way, and checks that there are none but whole batches.
async fn whole_batches(store: &Store, batch: &[DagNode]) -> Outcome<u64> {
    let ids = cids(batch)?;
    let length = store.len(None).await?;
    same("a length, beyond whole batches", length % BATCH as u64, 0)?;
    let length_of_scope = store.len(Some(SCOPE)).await?;
    same("a scope's length, beyond whole batches", length_of_scope % BATCH as u64, 0)?;
    let there = store.has_many(&ids).await?;
    ensure(there.iter().all(|one| *one == there[0]), "half a batch is there")?;
    let found = store.get_many(&ids).await?;
    let found: Vec<bool> = found.iter().map(Option::is_some).collect();
    ensure(found.iter().all(|one| *one == found[0]), "half a batch is to be read")?;
    let tips = store.heads(None).await?;
    ensure(!ids[..BATCH - 1].iter().any(|cid| tips.contains(cid)), "half a batch has a head")?;
    let checked = store.verify().await?;
    same("nodes verified, beyond whole batches", checked.nodes % BATCH as u64, 0)?;
    same("links verified", checked.links, checked.nodes / BATCH as u64 * (BATCH as u64 - 1))?;
    let query = ListQuery { limit: 10_000, ..ListQuery::default() };
    let page = store.list_page(&query).await?;
    if page.next.is_none() && query.cursor.is_none() {
        same("a list, beyond whole batches", page.nodes.len() % BATCH, 0)?;
        in_topological_order(&page.nodes)?;
    }
    Ok(length)
}

async fn chains_form_concurrently(lab: Lab) -> Outcome {
    let store = lab.store().await?;
    let start = root("start")?;
    store.insert(start.clone()).await?;
    let writers = (0..8).map(|writer| {
        let (store, start) = (Arc::clone(&store), start.clone());
        task(async move {
            let mut last = start;
            for link in 0..12 {
                let node = child(&format!("writer {writer} link {link}"), &[&last])?;
                store.insert(node.clone()).await?;
                give_way((writer + link) % 3).await;
                last = node;
            }
            Ok(last.cid()?)
        })
    });
    let ends = lab.all(writers.collect()).await?;
    let seen = look(&store).await?;
    same("the length", seen.nodes.len(), 1 + 8 * 12)?;
    same("the heads", seen.heads.into_iter().collect::<HashSet<_>>(), ends.into_iter().collect())?;
    same("the links", store.verify().await?.links, 8 * 12)
}

async fn same_node_inserted_concurrently_is_new_once(lab: Lab) -> Outcome {
    let store = lab.store().await?;
    let nodes = roots("node", 10)?;
    let writers = (0..10).map(|writer| {
        let (store, nodes) = (Arc::clone(&store), nodes.clone());
        task(async move {
            let mut new = 0;
            for step in 0..nodes.len() {
                let node = &nodes[(writer + step) % nodes.len()];
                let commit = store.insert_many([node.clone()]).await?;
                ensure(commit.removed.is_empty(), "an insert removed something")?;
                new += commit.inserted.len();
                give_way(step % 2).await;
            }
            Ok(new)
        })
    });
    let new = lab.all(writers.collect()).await?;
    same("new in all", new.iter().sum(), 10)?;
    let seen = look(&store).await?;
    same("nodes and commits", (seen.nodes.len(), seen.sequence), (10, 10))
}

async fn competing_batches_commit_at_once(lab: Lab) -> Outcome {
    for round in 0..6 {
        let store = lab.store().await?;
        let first = roots("first", 50)?;
        fill(&store, &first).await?;
        let (adding_to, removing_from) = (Arc::clone(&store), Arc::clone(&store));
        let going = first[..10].to_vec();
        let staging = Crew::default();
        let (adder, remover) = (staging.join(), staging.join());
        let others = staging.clone();
        let adding = task(async move {
            let mut batch = adding_to.begin_batch().await;
            for node in roots("more", 25)? {
                batch.insert(node).await?;
                give_way(1).await;
            }
            drop(adder);
            staging.gone().await;
            give_way(round % 3).await;
            Ok(batch.commit().await?)
        });
        let removing = task(async move {
            let mut batch = removing_from.begin_batch().await;
            for node in going {
                batch.remove(node.cid()?).await?;
                give_way(2).await;
            }
            drop(remover);
            others.gone().await;
            give_way(round / 3).await;
            Ok(batch.commit().await?)
        });
        let commits = lab.all(vec![adding, removing]).await?;
        let effects: Vec<_> =
            commits.iter().map(|commit| (commit.inserted.len(), commit.removed.len())).collect();
        same("the effects", effects, vec![(25, 0), (0, 10)])?;
        let seen = look(&store).await?;
        same("the length", seen.nodes.len(), 50 + 25 - 10)?;
        same("the commits", seen.sequence, 3)?;
    }
    Ok(())
}

async fn one_of_many_rivals_succeeds(lab: Lab) -> Outcome {
    let store = lab.store().await?;
    let seat = root("the seat")?;
    store.insert(seat.clone()).await?;
    for round in 0..10 {
        let heads = store.heads(None).await?;
        let hash = store.state_hash(None).await?;
        let rivals = (0..8).map(|rival| {
            let (store, heads, seat) = (Arc::clone(&store), heads.clone(), seat.clone());
            task(async move {
                let node = child(&format!("round {round} rival {rival}"), &[&seat])?;
                let mut changes = inserts([&node]);
                changes.require(if rival % 2 == 0 {
                    Condition::Heads { scope_id: None, heads }
                } else {
                    Condition::StateHash(hash)
                });
                give_way(rival % 3).await;
                match store.commit(changes).await {
                    Ok(commit) => same("inserted", commit.inserted, vec![node.cid()?]).map(|()| 1),
                    Err(error) if error.kind() == ErrorKind::ConditionFailed => Ok(0),
                    Err(error) => Err(error.into()),
                }
            })
        });
        let successes: usize = lab.all(rivals.collect()).await?.into_iter().sum();
        same("the rivals that succeeded", successes, 1)?;
    }
    same("the length", store.len(None).await?, 11)
}

async fn retried_conditions_serialize_writers(lab: Lab) -> Outcome {
    const WRITERS: usize = 6;
    const LINKS: usize = 8;
    let store = lab.store().await?;
    store.insert(root("start")?).await?;
    let unprepared = Crew::default();
    let writers = (0..WRITERS).map(|writer| {
        let store = Arc::clone(&store);
        let (unprepared, mut member) = (unprepared.clone(), Some(unprepared.join()));
        task(async move {
            let mut failed = 0;
            for link in 0..LINKS {
                loop {
                    let heads = store.heads(None).await?;
                    let [head] = heads[..] else { return Err(Failure::new("there are two heads")) };
                    let Some(head_node) = store.get(head).await? else {
                        return Err(Failure::new("the head is not there"));
                    };
                    // All have read the same head before the first of them commits.
                    drop(member.take());
                    unprepared.gone().await;
                    give_way(1 + writer % 3).await;
                    let node = child(&format!("writer {writer} link {link}"), &[&head_node])?;
                    let mut changes = inserts([&node]);
                    changes.require(Condition::Heads { scope_id: None, heads: vec![head] });
                    match store.commit(changes).await {
                        Ok(_) => break,
                        Err(error) if error.kind() == ErrorKind::ConditionFailed => failed += 1,
                        Err(error) => return Err(error.into()),
                    }
                    // Somebody made progress for each of these, so they are bounded.
                    ensure(
                        failed <= WRITERS * LINKS,
                        "a condition failed without another's commit",
                    )?;
                }
            }
            Ok(failed)
        })
    });
    let failed: usize = lab.all(writers.collect()).await?.into_iter().sum();
    precondition(failed > 0, "writers came in one another's way")?;
    let nodes = all(&store).await?;
    same("the length", nodes.len(), 1 + WRITERS * LINKS)?;
    for pair in nodes.windows(2) {
        same("a link of the line", pair[1].parents(), cids([&pair[0]])?)?;
    }
    Ok(())
}

async fn no_race_leaves_a_link_dangling(lab: Lab) -> Outcome {
    let store = lab.store().await?;
    for round in 0..40 {
        let parent = root(&format!("parent {round}"))?;
        let node = child("child", &[&parent])?;
        store.insert(parent.clone()).await?;
        let (one, other) = (Arc::clone(&store), Arc::clone(&store));
        let (gone, come) = (parent.clone(), node.clone());
        let removing = task(async move {
            give_way(round % 3).await;
            match one.remove(gone.cid()?).await {
                Err(error) if error.kind() == ErrorKind::HasChildren => Ok(false),
                removed => Ok(removed?),
            }
        });
        let inserting = task(async move {
            give_way(round % 2 * 2).await;
            match other.insert(come).await {
                Err(error) if error.kind() == ErrorKind::MissingParent => Ok(false),
                inserted => Ok(inserted.map(|_| true)?),
            }
        });
        let outcomes = lab.all(vec![removing, inserting]).await?;
        ensure(outcomes[0] != outcomes[1], "a removal and an insertion both went, or neither did")?;
        let there = store.has_many(&cids([&parent, &node])?).await?;
        same("what is there", there, vec![outcomes[1]; 2])?;
    }
    let checked = store.verify().await?;
    same("the links", checked.links * 2, checked.nodes)
}

async fn lists_hold_while_others_write(lab: Lab) -> Outcome {
    let store = lab.store().await?;
    let settled = chain("settled", 40)?;
    fill(&store, &settled).await?;
    let progress = Progress::default();
    let mut tasks = Vec::new();
    for writer in 0..2 {
        let store = Arc::clone(&store);
        let (progress, member) = (progress.clone(), progress.writers.join());
        tasks.push(task(async move {
            for round in 0..15 {
                let passing = chain(&format!("writer {writer} round {round}"), 7)?;
                fill(&store, &passing).await?;
                if round % 4 == 0 {
                    progress.be_read().await;
                }
                store.commit(removals(&passing)?).await?;
                give_way(round % 3).await;
            }
            drop(member);
            Ok(0)
        }));
    }
    for reader in 0..2 {
        let store = Arc::clone(&store);
        let (progress, member) = (progress.clone(), progress.readers.join());
        let settled = cids(&settled)?;
        tasks.push(task(async move {
            let mut passing = 0;
            while progress.writing() {
                let mut query =
                    ListQuery { limit: 5 + reader, reverse: reader == 1, ..ListQuery::default() };
                let mut found = Vec::new();
                loop {
                    let page = store.list_page(&query).await?;
                    found.extend(page.nodes);
                    query.cursor = page.next;
                    if query.cursor.is_none() {
                        break;
                    }
                    give_way(1).await;
                }
                let mut listed = cids(&found)?;
                if reader == 1 {
                    listed.reverse();
                }
                let distinct: HashSet<&Cid> = listed.iter().collect();
                same("distinct nodes of a list", distinct.len(), listed.len())?;
                passing += listed.len() - settled.len().min(listed.len());
                listed.retain(|cid| settled.contains(cid));
                same("those that stay", &listed, &settled)?;
                progress.read();
                give_way(1).await;
            }
            drop(member);
            Ok(passing)
        }));
    }
    let passing: usize = lab.all(tasks).await?.into_iter().sum();
    precondition(passing > 0, "the lists met nodes that come and go")?;
    same("what is left", look(&store).await?.nodes, cids(&settled)?)
}

async fn concurrent_commits_add_up(lab: Lab) -> Outcome {
    let store = lab.store().await?;
    let nodes = Arc::new(super::sample::dag(&mut Dice::new(15), 60)?);
    let writers = (0..5).map(|writer| {
        let (store, nodes) = (Arc::clone(&store), Arc::clone(&nodes));
        task(async move {
            let mut dice = Dice::new(16 + writer);
            let mut commits = Vec::new();
            for _ in 0..40 {
                let node = &nodes[dice.below(nodes.len())];
                let result = if dice.below(3) == 0 {
                    store.commit(removals([node])?).await
                } else {
                    store.insert_many([node.clone()]).await
                };
                match result {
                    Ok(commit) if commit.is_empty() => {}
                    Ok(commit) => commits.push(commit),
                    Err(error) => {
                        let kinds = [ErrorKind::MissingParent, ErrorKind::HasChildren];
                        ensure(kinds.contains(&error.kind()), "a commit failed in another way")?;
                    }
                }
                give_way(dice.below(3)).await;
            }
            Ok(commits)
        })
    });
    let mut commits = lab.all(writers.collect()).await?.concat();
    commits.sort_by_key(|commit| commit.sequence);
    let numbers: Vec<u64> = commits.iter().map(|commit| commit.sequence).collect();
    same("the sequence numbers", numbers, (1..=commits.len() as u64).collect())?;
    precondition(
        commits.iter().filter(|commit| !commit.removed.is_empty()).count() > 5,
        "some go",
    )?;
    let mut expected: Vec<Cid> = Vec::new();
    for commit in commits {
        expected.retain(|cid| !commit.removed.contains(cid));
        expected.extend(commit.inserted);
    }
    let seen = look(&store).await?;
    same("the store", seen.nodes, expected)?;
    same("the state hash", seen.state_hash, hash_of(&all(&store).await?).await?)
}
