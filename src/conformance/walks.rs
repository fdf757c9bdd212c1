//! Questions about the graph: relatives, walks, ancestry, merge bases, paths.

use std::sync::Arc;

use futures::TryStreamExt as _;

use super::contract;
use super::failure::{Failure, Outcome, ensure, precondition, refused, same};
use super::lab::{Lab, cancelled_after};
use super::model::all;
use super::relations::Relations;
use super::sample::{Dice, SCOPES, child, cids, dag, event, fill, removals, root};
use crate::{
    BoxFuture, Cid, Cursor, DagEventType, DagNode, DagStore, DagStoreExt, Direction, ErrorKind,
    WalkPage, WalkQuery,
};

contract! {
    /// `children` gives the children of a node in insertion order, `parents` its parents in its own.
    children_are_in_insertion_order,
    /// A root is a node without a parent in the store; a root of scope S, a node of S without one in S.
    roots_have_no_parent,
    /// A walk gives its starts and all that links lead to from there, each once, and nothing else.
    walks_reach_all_and_nothing_else,
    /// Depth is the number of links from the nearest start.
    walks_keep_their_depth,
    /// A walk leaves out what is excluded, and all that a walk from there reaches.
    walks_leave_out_what_is_excluded,
    /// Walks are ordered by generation, timestamp and digest: descending towards ancestors, ascending
    /// towards descendants, whatever the order of insertion.
    walks_have_one_order,
    /// A walk over all nodes is a topological order that depends on the set of nodes alone.
    walks_of_all_have_one_order,
    /// Filters choose among the nodes of a walk, which passes through those it does not give.
    filters_choose_among_what_is_walked,
    /// Pages keep their limit, and a cursor, kept as text, leads to the rest of the walk.
    walks_go_on_where_they_ended,
    /// A walk stands writers between its pages: what stays is given once, in order.
    walks_stand_writers,
    /// A cursor of one kind of walk, or of a list, is refused by another, and so is nonsense.
    walks_refuse_foreign_cursors,
    /// A question about a node that is not in the store is `NotFound`, and names it.
    unknown_nodes_are_not_found,
    /// A node is an ancestor of another where links lead from that one to it, and of itself.
    ancestry_is_reachability,
    /// Merge bases are the common ancestors of all that are no ancestors of other such ones.
    merge_bases_are_the_best_common_ancestors,
    /// A path is a shortest one, and of several the one that takes first parents first, either way.
    paths_are_the_shortest,
    /// A question about the graph that is dropped at any poll leaves the store working.
    questions_dropped_at_any_poll_leave_the_store_working,
    /// A closed store refuses questions about the graph.
    closed_stores_refuse_questions,
}

const DIRECTIONS: [Direction; 2] = [Direction::Ancestors, Direction::Descendants];

/// A store with a DAG in it that had more nodes once.
async fn grown(lab: &Lab, seed: u64) -> Outcome<(Arc<dyn DagStore>, Relations, Dice)> {
    let store = lab.store().await?;
    let mut dice = Dice::new(seed);
    let nodes = linked(&mut dice, 60)?;
    fill(&store, &nodes).await?;
    let heads = store.heads(None).await?;
    let is_head = |node: &&DagNode| node.cid().is_ok_and(|cid| heads.contains(&cid));
    let gone: Vec<DagNode> = nodes.iter().filter(is_head).step_by(2).cloned().collect();
    precondition(gone.len() > 2, "there are heads to remove")?;
    store.commit(removals(&gone)?).await?;
    // One comes back, and stands last then.
    fill(&store, &gone[..1]).await?;
    let relations = Relations::of(&all(&store).await?)?;
    Ok((store, relations, dice))
}

/// A DAG with long and short ways, several roots, equal timestamps, and criss-cross merges.
fn linked(dice: &mut Dice, count: usize) -> Outcome<Vec<DagNode>> {
    let mut nodes = dag(dice, count / 3)?;
    while nodes.len() < count {
        let newest = nodes.len().min(7);
        let mut parents: Vec<&DagNode> = Vec::new();
        for _ in 0..=dice.below(3) {
            let parent = &nodes[nodes.len() - 1 - dice.below(newest)];
            if !parents.contains(&parent) {
                parents.push(parent);
            }
        }
        let scope = SCOPES[dice.below(SCOPES.len())];
        let types = [DagEventType::Vote, DagEventType::Anchor];
        let time = dice.below(5) as u64 * 1_000;
        let name = format!("linked {}", nodes.len());
        let node = event(scope, time, &types[dice.below(2)], &name, &parents)?;
        nodes.push(node);
    }
    Ok(nodes)
}

/// Some of these, at random.
fn some(dice: &mut Dice, cids: &[Cid], count: usize) -> Vec<Cid> {
    (0..count).map(|_| cids[dice.below(cids.len())]).collect()
}

/// All the pages of this query.
async fn walk(store: &Arc<dyn DagStore>, query: &WalkQuery) -> Outcome<Vec<Cid>> {
    let mut query = query.clone();
    let mut found = Vec::new();
    for _ in 0..MOST_PAGES {
        let page = store.walk_page(&query).await?;
        ensure(page.cids.len() <= query.limit, "a page has more nodes than its limit")?;
        found.extend(page.cids);
        let Some(next) = page.next else { return Ok(found) };
        query.cursor = Some(next.to_string().parse::<Cursor>()?);
        (query.starts, query.excluding) = (Vec::new(), Vec::new());
    }
    Err(Failure::new("the pages don't come to an end"))
}

/// More pages than any walk here has. A page may be short, or empty, before the last.
const MOST_PAGES: usize = 1_000;

async fn children_are_in_insertion_order(lab: Lab) -> Outcome {
    let (store, relations, _) = grown(&lab, 31).await?;
    let mut most = 0;
    for cid in &relations.cids {
        let children = store.children(cid).await?;
        most = most.max(children.len());
        same("the children", children, relations.children(cid))?;
        same("the parents", store.parents(cid).await?, relations.parents(cid))?;
    }
    precondition(most > 2, "some node has several children")
}

async fn roots_have_no_parent(lab: Lab) -> Outcome {
    let (store, relations, _) = grown(&lab, 32).await?;
    for scope in SCOPES.iter().map(|scope| Some(*scope)).chain([None]) {
        let expected = relations.roots(scope);
        precondition(expected.len() > 1, "there are roots")?;
        same("the roots", store.roots(scope).await?, expected)?;
    }
    let of_all = relations.roots(None);
    let of_scope = relations.roots(Some(SCOPES[0]));
    precondition(of_scope.iter().any(|cid| !of_all.contains(cid)), "a scope has its own roots")?;
    same("of no scope", store.roots(Some("nobody's")).await?, vec![])
}

async fn walks_reach_all_and_nothing_else(lab: Lab) -> Outcome {
    let (store, relations, mut dice) = grown(&lab, 33).await?;
    for direction in DIRECTIONS {
        for count in [1, 1, 1, 2, 3, 10] {
            let starts = some(&mut dice, &relations.cids, count);
            let expected = relations.walk(direction, &starts);
            let query = WalkQuery { direction, starts, ..WalkQuery::default() };
            same(&format!("{query:?}"), walk(&store, &query).await?, expected)?;
        }
        let nowhere = WalkQuery { direction, ..WalkQuery::default() };
        same("from nowhere", walk(&store, &nowhere).await?, vec![])?;
    }
    // The same by the names that people use, with ids as text, as nodes, CIDs, stream and page.
    let starts = some(&mut dice, &relations.cids[30..], 2);
    let texts = starts.iter().map(Cid::to_string);
    let expected = relations.walk(Direction::Ancestors, &starts);
    precondition(expected.len() > 8, "the walk has some length")?;
    same("the CIDs", store.ancestors(texts).cids().await?, expected.clone())?;
    same("the nodes", cids(&store.ancestors(&starts).await?)?, expected.clone())?;
    let streamed: Vec<Cid> = store.ancestors(&starts).cids().stream().try_collect().await?;
    same("the stream", streamed, expected.clone())?;
    let page = store.ancestors(&starts).page(5).await?;
    same("a page", cids(&page.nodes)?, expected[..5].to_vec())?;
    let Some(next) = page.next else { return Err(Failure::new("a page of five is the last")) };
    let rest = store.ancestors(&starts).after(next).limit(3).cids().await?;
    same("some more", rest, expected[5..8].to_vec())?;
    let expected = relations.walk(Direction::Descendants, &starts);
    same("the descendants", cids(&store.descendants(&starts).await?)?, expected)?;
    same("of no type", store.ancestors(&starts).event_types([""; 0]).await?, vec![])?;
    refused("no id", store.ancestors(["no id"]).await, ErrorKind::InvalidCid)?;
    Ok(())
}

async fn walks_keep_their_depth(lab: Lab) -> Outcome {
    let (store, relations, mut dice) = grown(&lab, 34).await?;
    let mut cut = 0;
    for direction in DIRECTIONS {
        for depth in [0, 1, 2, 3, 5, u32::MAX] {
            for count in [1, 3] {
                let starts = some(&mut dice, &relations.cids, count);
                let mut expected = relations.walk(direction, &starts);
                let distances = relations.reached(direction, &starts);
                let all = expected.len();
                expected.retain(|cid| distances[cid] <= depth);
                cut += usize::from(depth > 0 && expected.len() < all);
                let query = WalkQuery { direction, starts, ..WalkQuery::default() };
                let query = WalkQuery { depth: Some(depth), limit: 4, ..query };
                same(&format!("{query:?}"), walk(&store, &query).await?, expected)?;
            }
        }
    }
    precondition(cut > 4, "depth ends walks")
}

async fn walks_leave_out_what_is_excluded(lab: Lab) -> Outcome {
    let (store, relations, mut dice) = grown(&lab, 35).await?;
    let (mut less, mut more) = (0, 0);
    for direction in DIRECTIONS {
        for count in [1, 2, 2, 4, 4, 4] {
            let starts = some(&mut dice, &relations.cids, count);
            let excluding = some(&mut dice, &relations.cids, 2);
            let excluded = relations.reached(direction, &excluding);
            let mut expected = relations.walk(direction, &starts);
            let all = expected.len();
            expected.retain(|cid| !excluded.contains_key(cid));
            less += usize::from(expected.len() < all);
            more += usize::from(!expected.is_empty());
            let query = WalkQuery { direction, starts, excluding, ..WalkQuery::default() };
            let query = WalkQuery { limit: 3, ..query };
            same(&format!("{query:?}"), walk(&store, &query).await?, expected)?;
        }
    }
    precondition(less > 5 && more > 5, "something is left out, and something is left")?;
    let [left, right] = [some(&mut dice, &relations.cids, 2), some(&mut dice, &relations.cids, 2)];
    let diff = store.diff(&left, &right)?;
    for (found, ours, theirs) in [(diff.left, &left, &right), (diff.right, &right, &left)] {
        let excluded = relations.reached(Direction::Ancestors, theirs);
        let mut expected = relations.walk(Direction::Ancestors, ours);
        expected.retain(|cid| !excluded.contains_key(cid));
        same("a side of the difference", found.cids().await?, expected)?;
    }
    Ok(())
}

async fn walks_have_one_order(lab: Lab) -> Outcome {
    let mut dice = Dice::new(36);
    let nodes = linked(&mut dice, 50)?;
    let relations = Relations::of(&nodes)?;
    let heads = {
        let parents: Vec<Cid> = nodes.iter().flat_map(DagNode::parents).collect();
        let mut heads = relations.cids.clone();
        heads.retain(|cid| !parents.contains(cid));
        heads
    };
    let expected = relations.walk(Direction::Ancestors, &heads);
    precondition(expected.len() == 50, "all descend to the heads")?;
    let mut backwards = relations.cids.clone();
    backwards.reverse();
    precondition(expected != backwards, "that is not the order of insertion")?;
    for _ in 0..3 {
        let store = lab.store().await?;
        let mut staged = nodes.clone();
        dice.shuffle(&mut staged);
        fill(&store, &staged).await?;
        let walked = store.ancestors(&heads).cids().await?;
        same("the ancestors of the heads", walked, expected.clone())?;
        let roots = relations.roots(None);
        let walked = store.descendants(&roots).cids().await?;
        same("the descendants of the roots", walked.into_iter().rev().collect(), expected.clone())?;
    }
    Ok(())
}

async fn walks_of_all_have_one_order(lab: Lab) -> Outcome {
    let (store, relations, _) = grown(&lab, 37).await?;
    let expected = relations.walk(Direction::All, &[]);
    precondition(expected != relations.cids, "that is not the order of insertion")?;
    for limit in [1, 2, 7, 20, 1_000] {
        let query = WalkQuery { direction: Direction::All, limit, ..WalkQuery::default() };
        same("all", walk(&store, &query).await?, expected.clone())?;
    }
    same("the nodes", cids(&store.topological().await?)?, expected.clone())?;
    same("the first", store.topological().limit(3).cids().await?, expected[..3].to_vec())?;
    for scope in SCOPES {
        let mut of_scope = expected.clone();
        of_scope.retain(|cid| relations.nodes[cid].scope_id() == scope);
        let found = store.topological().scope_id(scope).cids().await?;
        same("of a scope", found, of_scope)?;
    }
    same("of no scope", store.topological().scope_id("nobody's").await?, vec![])?;
    let refusal = store.topological().depth(1).await;
    refused("all, to a depth", refusal, ErrorKind::InvalidArgument)?;
    let refusal = store.topological().excluding(&expected[..1]).await;
    refused("all, but not all", refusal, ErrorKind::InvalidArgument)?;
    Ok(())
}

async fn filters_choose_among_what_is_walked(lab: Lab) -> Outcome {
    let (store, relations, mut dice) = grown(&lab, 38).await?;
    let types = [vec![], vec![DagEventType::Vote], vec![DagEventType::Genesis]];
    let times = [(None, None), (Some(1_000), Some(3_000)), (Some(2_000), None), (None, Some(0))];
    let (mut queries, mut matches) = (0, 0);
    for direction in [Direction::Ancestors, Direction::Descendants, Direction::All] {
        for event_types in &types {
            for (since, until) in times {
                for scope_id in [None, Some(SCOPES[0].to_owned())] {
                    let starts = match direction {
                        Direction::All => Vec::new(),
                        _ => some(&mut dice, &relations.cids, 3),
                    };
                    let mut expected = relations.walk(direction, &starts);
                    expected.retain(|cid| {
                        let node = &relations.nodes[cid];
                        let scope = scope_id.as_deref();
                        (event_types.is_empty() || event_types.contains(&node.event_type()))
                            && scope.is_none_or(|scope| node.scope_id() == scope)
                            && since.is_none_or(|since| node.timestamp() >= since)
                            && until.is_none_or(|until| node.timestamp() <= until)
                    });
                    queries += 1;
                    matches += usize::from(!expected.is_empty());
                    let query = WalkQuery {
                        direction,
                        starts,
                        event_types: event_types.clone(),
                        since,
                        until,
                        scope_id,
                        limit: 3,
                        ..WalkQuery::default()
                    };
                    same(&format!("{query:?}"), walk(&store, &query).await?, expected)?;
                }
            }
        }
    }
    precondition(matches > queries / 3, "the queries find nodes")?;
    let head = store.heads(None).await?[0];
    let found = store.ancestors([head]).scope_id(SCOPES[1]).event_types(["vote"]);
    let found = found.since(1_000).until(4_000).await?;
    let all_pass = found.iter().all(|node| {
        node.scope_id() == SCOPES[1]
            && node.event_type() == DagEventType::Vote
            && (1_000..=4_000).contains(&node.timestamp())
    });
    ensure(all_pass, "a node passes that the filters asked for step by step don't let pass")
}

async fn walks_go_on_where_they_ended(lab: Lab) -> Outcome {
    let (store, relations, mut dice) = grown(&lab, 39).await?;
    for direction in DIRECTIONS {
        let starts = some(&mut dice, &relations.cids, 12);
        // Something in the midst of the walk, so that it is cut there.
        let walked = relations.walk(direction, &starts);
        let excluding = vec![walked[walked.len() / 2]];
        let excluded = relations.reached(direction, &excluding);
        let mut expected = walked;
        expected.retain(|cid| !excluded.contains_key(cid));
        precondition(expected.len() > 8 && excluded.len() > 4, "the walk has some length")?;
        for limit in 1..expected.len() + 2 {
            let (starts, excluding) = (starts.clone(), excluding.clone());
            let query = WalkQuery { direction, starts, excluding, limit, ..WalkQuery::default() };
            same(&format!("{query:?}"), walk(&store, &query).await?, expected.clone())?;
        }
    }
    Ok(())
}

async fn walks_stand_writers(lab: Lab) -> Outcome {
    for direction in [Direction::Ancestors, Direction::Descendants, Direction::All] {
        let store = lab.store().await?;
        let mut dice = Dice::new(40);
        let staying = linked(&mut dice, 40)?;
        fill(&store, &staying).await?;
        let relations = Relations::of(&staying)?;
        let mut passing = Vec::new();
        for i in 0..20 {
            let parents = [&staying[dice.below(40)], &staying[dice.below(20)]];
            let parents = if parents[0] == parents[1] { &parents[..1] } else { &parents };
            passing.push(event(SCOPES[0], i, &DagEventType::Vote, "passing", parents)?);
        }
        fill(&store, &passing).await?;
        let starts = match direction {
            Direction::Ancestors => store.heads(None).await?,
            Direction::Descendants => store.roots(None).await?,
            Direction::All => Vec::new(),
        };
        let staying = relations.in_order(direction, relations.cids.clone());
        let mut query = WalkQuery { direction, starts, limit: 5, ..WalkQuery::default() };
        let mut found = Vec::new();
        loop {
            let WalkPage { cids, next } = store.walk_page(&query).await?;
            found.extend(cids);
            query.cursor = next;
            if query.cursor.is_none() {
                break;
            }
            ensure(found.len() < 400, "the walk doesn't come to an end")?;
            let gone: Vec<DagNode> = passing.drain(..passing.len().min(3)).collect();
            store.commit(removals(&gone)?).await?;
            let parent = &relations.nodes[&staying[dice.below(staying.len())]];
            let name = format!("newcomer {}", found.len());
            store.insert(child(&name, &[parent])?).await?;
        }
        precondition(passing.is_empty(), "nodes went meanwhile")?;
        let mut once = found.clone();
        once.sort();
        once.dedup();
        same("given twice", found.len() - once.len(), 0)?;
        found.retain(|cid| relations.nodes.contains_key(cid));
        // Towards ancestors, what went led to nothing that stays but by ways that are there still.
        let heads = relations.cids.iter().filter(|cid| relations.children(cid).is_empty());
        let heads: Vec<Cid> = heads.copied().collect();
        precondition(relations.walk(Direction::Ancestors, &heads).len() == 40, "all are reached")?;
        if direction == Direction::Ancestors {
            let missing: Vec<&Cid> = staying.iter().filter(|cid| !found.contains(cid)).collect();
            let starts = &query.starts;
            let reached: Vec<Cid> =
                starts.iter().filter(|cid| relations.nodes.contains_key(cid)).copied().collect();
            let reached = relations.reached(direction, &reached);
            ensure(missing.iter().all(|cid| !reached.contains_key(cid)), "what stays is missing")?;
            let mut in_order = staying.clone();
            in_order.retain(|cid| found.contains(cid));
            same("those that stay", found, in_order)?;
        } else {
            same("those that stay", found, staying)?;
        }
    }
    Ok(())
}

async fn walks_refuse_foreign_cursors(lab: Lab) -> Outcome {
    let (store, relations, _) = grown(&lab, 41).await?;
    precondition(relations.cids.len() > 1, "there is more than a page of one")?;
    let of_list = store.list().page(1).await?.next;
    let Some(of_list) = of_list else { return Err(Failure::new("a page of one is the last")) };
    let foreign = [of_list, Cursor::new("nonsense"), Cursor::new("")];
    for direction in [Direction::Ancestors, Direction::Descendants, Direction::All] {
        for cursor in &foreign {
            let query =
                WalkQuery { direction, cursor: Some(cursor.clone()), ..WalkQuery::default() };
            let refusal = store.walk_page(&query).await;
            refused("a foreign cursor", refusal, ErrorKind::InvalidArgument)?;
        }
    }
    Ok(())
}

async fn unknown_nodes_are_not_found(lab: Lab) -> Outcome {
    let (store, relations, _) = grown(&lab, 42).await?;
    let here = relations.cids[0];
    let unknown = root("never inserted")?.cid()?;
    let gone = root("gone")?;
    store.insert(gone.clone()).await?;
    store.remove(gone.cid()?).await?;
    for unknown in [unknown, gone.cid()?] {
        let named =
            |what: &str, error: crate::DagError| same(what, error.cid().copied(), Some(unknown));
        let not_found = ErrorKind::NotFound;
        named("children", refused("children", store.children(&unknown).await, not_found)?)?;
        named("parents", refused("parents", store.parents(&unknown).await, not_found)?)?;
        for [one, other] in [[here, unknown], [unknown, here], [unknown, unknown]] {
            let asked = store.is_ancestor(&one, &other).await;
            named("is_ancestor", refused("is_ancestor", asked, not_found)?)?;
            let asked = store.merge_bases([one, other]).await;
            named("merge_bases", refused("merge_bases", asked, not_found)?)?;
            let asked = store.path(&one, &other).await;
            named("path", refused("path", asked, not_found)?)?;
        }
        for direction in DIRECTIONS {
            let query = WalkQuery { direction, ..WalkQuery::default() };
            let start = WalkQuery { starts: vec![here, unknown], ..query.clone() };
            let asked = store.walk_page(&start).await;
            named("a start", refused("a start", asked, not_found)?)?;
            let excluded = WalkQuery { starts: vec![here], excluding: vec![unknown], ..query };
            let asked = store.walk_page(&excluded).await;
            named("what is excluded", refused("what is excluded", asked, not_found)?)?;
        }
    }
    Ok(())
}

async fn ancestry_is_reachability(lab: Lab) -> Outcome {
    let (store, relations, _) = grown(&lab, 43).await?;
    let (mut yes, mut no) = (0, 0);
    for ancestor in &relations.cids {
        for descendant in &relations.cids {
            let expected = relations.is_ancestor(ancestor, descendant);
            *if expected { &mut yes } else { &mut no } += 1;
            let found = store.is_ancestor(ancestor, descendant).await?;
            same(&format!("{ancestor} of {descendant}"), found, expected)?;
        }
    }
    precondition(yes > 200 && no > 200, "some are ancestors, and some are not")
}

async fn merge_bases_are_the_best_common_ancestors(lab: Lab) -> Outcome {
    let (store, relations, mut dice) = grown(&lab, 44).await?;
    let (mut none, mut one, mut several) = (0, 0, 0);
    // Crossed merges have two best common ancestors.
    for i in 0..4 {
        let [left, right] = [root(&format!("left {i}"))?, root(&format!("right {i}"))?];
        let crossed = [
            child(&format!("one {i}"), &[&left, &right])?,
            child(&format!("other {i}"), &[&right, &left])?,
        ];
        fill(&store, [&left, &right].into_iter().chain(&crossed)).await?;
        let mut expected = cids([&left, &right])?;
        expected.sort_by(|one, other| other.hash().digest().cmp(one.hash().digest()));
        same("of crossed merges", store.merge_bases(cids(&crossed)?).await?, expected)?;
        several += 1;
    }
    for count in (1..5).chain([2; 150]).chain([3; 60]).chain([6; 20]) {
        let asked = some(&mut dice, &relations.cids, count);
        let expected = relations.merge_bases(&asked);
        *match expected.len() {
            0 => &mut none,
            1 => &mut one,
            _ => &mut several,
        } += 1;
        same(&format!("of {asked:?}"), store.merge_bases(&asked).await?, expected)?;
    }
    precondition(none > 3 && one > 3 && several > 3, "there are none, one and several")?;
    let refusal = store.merge_bases([""; 0]).await;
    refused("of no nodes", refusal, ErrorKind::InvalidArgument)?;
    Ok(())
}

async fn paths_are_the_shortest(lab: Lab) -> Outcome {
    let (store, relations, mut dice) = grown(&lab, 45).await?;
    let (mut none, mut long) = (0, 0);
    for _ in 0..200 {
        let [from, to] = [0; 2].map(|_| relations.cids[dice.below(relations.cids.len())]);
        let expected = relations.path(&from, &to);
        match &expected {
            None => none += 1,
            Some(path) => long += usize::from(path.len() > 3),
        }
        same(&format!("{from} to {to}"), store.path(&from, &to).await?, expected)?;
    }
    precondition(none > 10 && long > 10, "some pairs have a path, and some none")?;
    let one = relations.cids[0];
    same("from a node to itself", store.path(one, one).await?, Some(vec![one]))
}

/// Every question about the graph, about this node.
fn questions<'a>(
    store: &'a Arc<dyn DagStore>,
    node: &'a [Cid; 1],
    walks: &'a [WalkQuery; 3],
) -> Vec<(&'static str, BoxFuture<'a, crate::Result<()>>)> {
    let [cid] = node;
    let walk = |at: usize| Box::pin(async move { store.walk_page(&walks[at]).await.map(drop) });
    vec![
        ("children", Box::pin(async move { DagStore::children(&**store, cid).await.map(drop) })),
        ("roots", Box::pin(async move { store.roots(None).await.map(drop) })),
        ("roots of a scope", Box::pin(async move { store.roots(Some(SCOPES[0])).await.map(drop) })),
        ("ancestors", walk(0)),
        ("descendants", walk(1)),
        ("all", walk(2)),
        ("is_ancestor", Box::pin(async move { store.is_ancestor(cid, cid).await.map(drop) })),
        ("merge_bases", Box::pin(async move { store.merge_bases(node).await.map(drop) })),
        ("path", Box::pin(async move { store.path(cid, cid).await.map(drop) })),
    ]
}

fn walks_from(cid: Cid) -> [WalkQuery; 3] {
    let starts = |direction: Direction| match direction {
        Direction::All => Vec::new(),
        _ => vec![cid],
    };
    [Direction::Ancestors, Direction::Descendants, Direction::All].map(|direction| WalkQuery {
        direction,
        starts: starts(direction),
        ..WalkQuery::default()
    })
}

async fn questions_dropped_at_any_poll_leave_the_store_working(lab: Lab) -> Outcome {
    let (store, relations, _) = grown(&lab, 46).await?;
    let asked = [relations.cids[0]];
    let walks = walks_from(asked[0]);
    let count = questions(&store, &asked, &walks).len();
    for question in 0..count {
        let mut done = None;
        for polls in 1..MOST_PAGES {
            let (what, asking) = questions(&store, &asked, &walks).swap_remove(question);
            done = cancelled_after(polls, asking).await.transpose()?;
            // A lock that a dropped question left behind would keep this writer out.
            let node = root(&format!("{what} {polls}"))?;
            store.insert(node.clone()).await?;
            same(what, store.children(node.cid()?).await?, vec![])?;
            if done.is_some() {
                break;
            }
        }
        ensure(done.is_some(), "a question doesn't come to an end")?;
    }
    Ok(())
}

async fn closed_stores_refuse_questions(lab: Lab) -> Outcome {
    let (store, relations, _) = grown(&lab, 47).await?;
    let asked = [relations.cids[0]];
    let walks = walks_from(asked[0]);
    for (_, asking) in questions(&store, &asked, &walks) {
        asking.await?;
    }
    let walk = store.ancestors(asked);
    store.close().await?;
    for (what, asking) in questions(&store, &asked, &walks) {
        refused(what, asking.await, ErrorKind::Closed)?;
    }
    refused("parents", store.parents(asked[0]).await, ErrorKind::Closed)?;
    refused("a walk made earlier", walk.await, ErrorKind::Closed)?;
    Ok(())
}
