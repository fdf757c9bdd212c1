//! The state hash, replay, and `verify`.

use std::collections::{BTreeSet, HashSet};
use std::sync::Arc;

use super::contract;
use super::failure::{Outcome, different, ensure, precondition, same};
use super::lab::Lab;
use super::model::{all, hash_of, look};
use super::sample::{Dice, SCOPES, child, dag, event, fill, inserts, removals, root, roots};
use crate::{Changes, Cid, Commit, DagEventType, DagNode, DagStore, DagStoreExt, StateHash};

contract! {
    /// The state hash has the layout that is specified, byte for byte.
    state_hashes_are_those_of_the_specification,
    /// The state hash commits to the set of nodes in the store, not to their order of arrival.
    order_of_arrival_leaves_no_trace,
    /// What has come and gone leaves no trace in the state hash.
    removed_nodes_leave_no_trace,
    /// Different sets of nodes have different state hashes.
    different_sets_have_different_hashes,
    /// Every field of a node counts: each is in its CID, or bound by the trie.
    every_field_counts,
    /// The state hash of one scope depends on the nodes of that scope alone.
    scope_hashes_depend_on_their_scope_alone,
    /// A scope hash binds the scope's name, and is defined for empty scopes too.
    scope_hashes_bind_the_name,
    /// The state hash follows every commit, however inserts and removes mix.
    state_hash_follows_every_commit,
    /// Replaying one store's commits in another gives the same state hash after every commit.
    replay_gives_the_same_hash_after_every_commit,
    /// Hostile timestamps and digests with long common prefixes are hashed like any others.
    hostile_keys_are_hashed_like_others,
    /// `verify()` rechecks every block, every link and the state hash.
    verify_counts_what_it_checked,
}

fn hash(hex: &str) -> Outcome<StateHash> {
    Ok(hex.parse::<StateHash>()?)
}

/// The values come from an implementation that shares no code with any store of this crate.
async fn state_hashes_are_those_of_the_specification(lab: Lab) -> Outcome {
    let store = lab.store().await?;
    let empty = hash("d5c24b2a132ddbb4d31e3a772f0e8c864fd88b38827d942d3979e1428dc130e9")?;
    same("of an empty store", store.state_hash(None).await?, empty)?;
    let no_scope = hash("2dad1f93d38d0b529f18919d00c5977e98d1206a8571f77a83bd567b40ebb457")?;
    same("of an empty scope", store.state_hash(Some("test-scope")).await?, no_scope)?;

    store.insert(event("test-scope", 0, &DagEventType::Proposal, "node content", &[])?).await?;
    let one = hash("2daabb4ab97f78baf10dabd3bf78b85854466851b5b0d9394648a499fb37a7aa")?;
    same("of one node", store.state_hash(None).await?, one)?;
    let scope = hash("9ae490851bde377a1ab1020d71728c442308abd63ae8432c1bd941f684a56ac2")?;
    same("of its scope", store.state_hash(Some("test-scope")).await?, scope)?;

    let store = lab.store().await?;
    let types = ["proposal".into(), "vote".into(), "anchor".into()]
        .into_iter()
        .chain([64, 65, 255].map(|length| "t".repeat(length)))
        .map(DagEventType::from)
        .collect::<Vec<_>>();
    let mut nodes: Vec<DagNode> = Vec::new();
    for i in 0..30_usize {
        let parents: Vec<&DagNode> = [(1, i % 4 != 0), (6, i >= 6 && i % 3 == 0)]
            .into_iter()
            .filter(|(_, wanted)| *wanted)
            .map(|(back, _)| &nodes[i - back])
            .collect();
        let time = [0, (1 << 53) - 1, i as u64 * 1_000, 256][i % 4];
        let node = event(SCOPES[i % 3], time, &types[i % 6], &format!("node {i}"), &parents)?;
        nodes.push(node);
    }
    fill(&store, &nodes).await?;
    let thirty = hash("b5f27f6227f3b63c71e0eda1729b0f512479ed27b9be65faefec38da5ce070ce")?;
    same("of thirty nodes", store.state_hash(None).await?, thirty)?;
    let scopes = [
        "939774c8db6e26179ed7c1525df92d6b63369eb763d86bf5121147849d97ceac",
        "f180d8a151b98d275159c12711ce5e8188de9e0c4144cf55f6b8af6a9bf746e2",
        "b7d960af0466ec8e31d3cb196aa33042e79da506b25033b54ef997e74ef74360",
    ];
    for (scope, hex) in SCOPES.into_iter().zip(scopes) {
        same(scope, store.state_hash(Some(scope)).await?, hash(hex)?)?;
    }
    Ok(())
}

async fn order_of_arrival_leaves_no_trace(lab: Lab) -> Outcome {
    let mut dice = Dice::new(9);
    let nodes = dag(&mut dice, 50)?;
    let mut orders = BTreeSet::new();
    let mut hashes = BTreeSet::new();
    for round in 0..6 {
        let store = lab.store().await?;
        let mut shuffled = nodes.clone();
        dice.shuffle(&mut shuffled);
        if round == 0 {
            shuffled.clone_from(&nodes);
        }
        // In batches of various sizes: whatever still lacks a parent waits for a later one.
        while !shuffled.is_empty() {
            let present: HashSet<Cid> = look(&store).await?.nodes.into_iter().collect();
            let (mut ready, waiting): (Vec<_>, Vec<_>) = shuffled
                .into_iter()
                .partition(|node| node.parents().iter().all(|parent| present.contains(parent)));
            shuffled = waiting;
            let rest = ready.split_off(ready.len().min(1 + dice.below(8)));
            shuffled.extend(rest);
            fill(&store, &ready).await?;
        }
        let seen = look(&store).await?;
        same("the number of nodes", seen.nodes.len(), nodes.len())?;
        orders.insert(seen.nodes);
        hashes.insert(seen.state_hash);
    }
    precondition(orders.len() == 6, "the nodes arrived in six orders")?;
    same("the number of state hashes", hashes.len(), 1)
}

async fn removed_nodes_leave_no_trace(lab: Lab) -> Outcome {
    let store = lab.store().await?;
    let mut dice = Dice::new(10);
    let nodes = dag(&mut dice, 30)?;
    let mut trail = Vec::new();
    for node in &nodes {
        trail.push((store.state_hash(None).await?, store.state_hash(Some(node.scope_id())).await?));
        store.insert(node.clone()).await?;
    }
    let distinct: BTreeSet<_> = trail.iter().map(|(hash, _)| hash).collect();
    precondition(distinct.len() == nodes.len(), "every insert changed the state hash")?;
    for (node, (whole, scope)) in nodes.iter().zip(trail).rev() {
        same("the removal", store.remove(node.cid()?).await?, true)?;
        same("the state hash", store.state_hash(None).await?, whole)?;
        same("the scope's", store.state_hash(Some(node.scope_id())).await?, scope)?;
    }
    Ok(())
}

async fn different_sets_have_different_hashes(lab: Lab) -> Outcome {
    // All 64 sets of six nodes: three with equal timestamps, two scopes.
    let mut nodes = Vec::new();
    for (i, (scope, time)) in
        [("a", 1), ("a", 1), ("a", 1), ("a", 2), ("b", 1), ("b", 2)].into_iter().enumerate()
    {
        nodes.push(event(scope, time, &DagEventType::Vote, &format!("node {i}"), &[])?);
    }
    let mut hashes = BTreeSet::new();
    for set in 0..64_u32 {
        let store = lab.store().await?;
        let chosen = nodes.iter().enumerate().filter(|(i, _)| set >> i & 1 == 1);
        store.commit(inserts(chosen.map(|(_, node)| node))).await?;
        same("the length", store.len(None).await?, u64::from(set.count_ones()))?;
        hashes.insert(store.state_hash(None).await?);
    }
    same("the number of state hashes", hashes.len(), 64)
}

async fn every_field_counts(lab: Lab) -> Outcome {
    let parent = root("parent")?;
    let node = event("scope", 1, &DagEventType::Vote, "content", &[])?;
    let change = || node.to_builder();
    let variants = [
        change()?.build()?,
        change()?.content("Content").build()?,
        change()?.event_type("Vote").build()?,
        change()?.scope_id("scope ").build()?,
        change()?.timestamp(2).build()?,
        change()?.parent(parent.cid()?).build()?,
        change()?.nonce([0]).build()?,
    ];
    let mut hashes = BTreeSet::new();
    for variant in &variants {
        let store = lab.store().await?;
        fill(&store, [&parent, variant]).await?;
        hashes.insert(store.state_hash(None).await?);
    }
    same("the number of state hashes", hashes.len(), variants.len())
}

async fn scope_hashes_depend_on_their_scope_alone(lab: Lab) -> Outcome {
    let [one, other] = [lab.store().await?, lab.store().await?];
    let vote = DagEventType::Vote;
    let shared = [event("s", 1, &vote, "first", &[])?, event("s", 2, &vote, "second", &[])?];
    fill(&one, &shared).await?;
    fill(&other, &shared).await?;
    other.insert(event("t", 1, &vote, "elsewhere", &[&shared[0]])?).await?;
    let whole = [one.state_hash(None).await?, other.state_hash(None).await?];
    different("the state hashes", whole[0], whole[1])?;
    let s = [one.state_hash(Some("s")).await?, other.state_hash(Some("s")).await?];
    same("the scope's hashes", s[0], s[1])?;
    other.remove(shared[1].cid()?).await?;
    different("the scope's hash, one node fewer", s[0], other.state_hash(Some("s")).await?)
}

async fn scope_hashes_bind_the_name(lab: Lab) -> Outcome {
    let store = lab.store().await?;
    let empty = [store.state_hash(Some("a")).await?, store.state_hash(Some("b")).await?];
    different("of two empty scopes", empty[0], empty[1])?;
    let node = event("a", 0, &DagEventType::Vote, "an event", &[])?;
    store.insert(node.clone()).await?;
    different("of a scope, empty and not", store.state_hash(Some("a")).await?, empty[0])?;
    same("of the other scope", store.state_hash(Some("b")).await?, empty[1])?;
    different(
        "of the scope and the store",
        store.state_hash(Some("a")).await?,
        store.state_hash(None).await?,
    )?;
    store.remove(node.cid()?).await?;
    same("of a scope that is empty again", store.state_hash(Some("a")).await?, empty[0])
}

async fn state_hash_follows_every_commit(lab: Lab) -> Outcome {
    let store = lab.store().await?;
    let mut dice = Dice::new(11);
    let nodes = dag(&mut dice, 80)?;
    let mut hashes = BTreeSet::new();
    for step in 0..120 {
        random_commit(&store, &nodes, &mut dice).await?;
        let present = all(&store).await?;
        let found = store.state_hash(None).await?;
        same(&format!("the state hash, step {step}"), found, hash_of(&present).await?)?;
        hashes.insert(found);
    }
    precondition(hashes.len() > 40, "the store went through many states")
}

/// Some inserts and removals in one commit; `None` where the store refused it.
async fn random_commit(
    store: &Arc<dyn DagStore>,
    nodes: &[DagNode],
    dice: &mut Dice,
) -> Outcome<Option<Commit>> {
    let mut changes = Changes::new();
    for _ in 0..=dice.below(6) {
        // Early nodes rather than late ones, so that most parents are there.
        let node = &nodes[dice.below(nodes.len()).min(dice.below(nodes.len()))];
        if dice.below(4) == 0 {
            changes.remove(node.cid()?)?;
        } else {
            changes.insert(node.clone());
            if dice.below(2) == 0 {
                let missing = nodes
                    .iter()
                    .filter(|parent| parent.cid().is_ok_and(|cid| node.parents().contains(&cid)));
                missing.for_each(|parent| changes.insert(parent.clone()));
            }
        }
    }
    changes.want_state_hash(true);
    Ok(store.commit(changes).await.ok())
}

async fn replay_gives_the_same_hash_after_every_commit(lab: Lab) -> Outcome {
    let [store, replica] = [lab.store().await?, lab.store().await?];
    let mut dice = Dice::new(12);
    let nodes = dag(&mut dice, 60)?;
    let (mut commits, mut removed) = (0, 0);
    for _ in 0..150 {
        let Some(commit) = random_commit(&store, &nodes, &mut dice).await? else { continue };
        let inserted =
            store.get_many(&commit.inserted).await?.into_iter().flatten().collect::<Vec<_>>();
        same("the nodes of the commit", inserted.len(), commit.inserted.len())?;
        let mut changes = inserts(&inserted);
        for cid in &commit.removed {
            changes.remove(*cid)?;
        }
        changes.want_state_hash(true);
        let replayed = replica.commit(changes).await?;
        same("the state hash", replayed.state_hash, commit.state_hash)?;
        same("the state hash, asked for", Some(store.state_hash(None).await?), commit.state_hash)?;
        same("inserted", replayed.inserted, commit.inserted)?;
        same("the sequence number", replayed.sequence, commit.sequence)?;
        commits = commit.sequence;
        removed += commit.removed.len();
    }
    precondition(commits > 30 && removed > 10, "there were commits to replay")?;
    same("the stores", look(&replica).await?, look(&store).await?)
}

async fn hostile_keys_are_hashed_like_others(lab: Lab) -> Outcome {
    // Every power of two and its neighbours: keys that part at every bit there is, in scopes whose
    // names are prefixes of one another.
    let times = (0..53).flat_map(|bit| [(1 << bit) - 1, 1 << bit, (1_u64 << bit) + 1]);
    let mut nodes = Vec::new();
    for (i, time) in times.enumerate() {
        let scope = "a".repeat(1 + i % 5);
        nodes.push(event(
            &scope,
            time.min((1 << 53) - 1),
            &DagEventType::Vote,
            &i.to_string(),
            &[],
        )?);
    }
    let store = lab.store().await?;
    Dice::new(13).shuffle(&mut nodes);
    for part in nodes.chunks(20) {
        fill(&store, part).await?;
        let present = all(&store).await?;
        same("the state hash", store.state_hash(None).await?, hash_of(&present).await?)?;
    }
    let (gone, left) = nodes.split_at(100);
    store.commit(removals(gone)?).await?;
    same("with most of them gone", store.state_hash(None).await?, hash_of(left).await?)?;
    store.verify().await?;
    Ok(())
}

async fn verify_counts_what_it_checked(lab: Lab) -> Outcome {
    let store = lab.store().await?;
    let empty = store.verify().await?;
    same("nodes and links of an empty store", (empty.nodes, empty.links), (0, 0))?;
    let [a, b] = [root("a")?, root("b")?];
    let [both, one] = [child("both", &[&a, &b])?, child("one", &[&b])?];
    fill(&store, [&a, &b, &both, &one]).await?;
    let found = store.verify().await?;
    same("nodes and links", (found.nodes, found.links), (4, 3))?;
    same("the state hash", found.state_hash, store.state_hash(None).await?)?;
    store.remove(both.cid()?).await?;
    let found = store.verify().await?;
    same("nodes and links, then", (found.nodes, found.links), (3, 1))?;
    fill(&store, &roots("more", 100)?).await?;
    let found = store.verify().await?;
    same("nodes and links, at last", (found.nodes, found.links), (103, 1))?;
    ensure(
        found.state_hash == hash_of(&all(&store).await?).await?,
        "verify gives another state hash",
    )
}
