//! Lists: order, filters, direction, limit, cursor.

use std::sync::Arc;

use futures::StreamExt as _;

use super::contract;
use super::failure::{Failure, Outcome, different, ensure, precondition, refused, same};
use super::lab::Lab;
use super::model::{all, listed};
use super::sample::{Dice, SCOPES, child, cids, dag, event, fill, removals, root, roots};
use crate::{
    Cid, Cursor, DagEventType, DagNode, DagStore, DagStoreExt, ErrorKind, ListQuery, Order,
};

contract! {
    /// `list` gives nodes in insertion order.
    lists_are_in_insertion_order,
    /// With `order: time`, `list` gives a scope's nodes by timestamp, then digest.
    lists_by_time_are_by_timestamp_then_digest,
    /// `order: time` needs one scope.
    order_by_time_needs_a_scope,
    /// Time filters hold at both ends.
    time_filters_are_inclusive,
    /// Filters, limit, direction and cursor never change the order.
    filters_limits_and_cursors_never_change_the_order,
    /// A page holds no more nodes than its limit, and the last one says that it is.
    pages_keep_their_limit,
    /// A cursor is text that can be kept and read again.
    cursors_survive_as_text,
    /// A cursor stays valid while others write: nodes that stay are listed once each, in their order.
    cursors_stay_valid_while_others_write,
    /// A cursor stays valid when the node that it stands at is removed.
    cursors_outlive_their_node,
    /// `list` is lazy: it reads as it is asked for, and ends after an error.
    lists_are_lazy,
    /// `list()` takes scope, types, range of time, order, direction, limit and cursor one by one.
    lists_are_asked_for_step_by_step,
    /// `after_commit` leaves out the nodes that were there after that commit already, in either order. A
    /// commit that is yet to come is refused.
    lists_begin_after_a_commit,
    /// What matches no filter gives an empty list, not an error.
    lists_may_be_empty,
}

async fn lists_are_in_insertion_order(lab: Lab) -> Outcome {
    let store = lab.store().await?;
    let mut nodes = roots("node", 50)?;
    Dice::new(3).shuffle(&mut nodes);
    let (together, single) = nodes.split_at(25);
    fill(&store, together).await?;
    for node in single {
        store.insert(node.clone()).await?;
    }
    let in_order = cids(&nodes)?;
    let mut by_digest = in_order.clone();
    by_digest.sort_by(|a, b| a.hash().digest().cmp(b.hash().digest()));
    precondition(in_order != by_digest, "insertion order is not the order of digests")?;
    same("what is listed", cids(&all(&store).await?)?, in_order)
}

async fn lists_by_time_are_by_timestamp_then_digest(lab: Lab) -> Outcome {
    let store = lab.store().await?;
    let vote = DagEventType::Vote;
    let mut nodes = Vec::new();
    for (i, time) in [500, 3, 3, 3, 3, 0, (1 << 53) - 1, 256, 500, 255].into_iter().enumerate() {
        nodes.push(event("a", time, &vote, &format!("node {i}"), &[])?);
        nodes.push(event("b", time, &vote, &format!("node {i}"), &[])?);
    }
    fill(&store, &nodes).await?;
    let query = ListQuery { order: Order::Time, ..scope_of("a") };
    let expected = listed(&nodes, &query)?;
    precondition(expected != listed(&nodes, &scope_of("a"))?, "the two orders differ")?;
    same("by time", walk(&store, &query).await?, expected.clone())?;
    let backwards = ListQuery { reverse: true, ..query };
    let reversed: Vec<Cid> = expected.into_iter().rev().collect();
    same("by time, backwards", walk(&store, &backwards).await?, reversed)
}

async fn order_by_time_needs_a_scope(lab: Lab) -> Outcome {
    let store = lab.store().await?;
    store.insert(root("a node")?).await?;
    let query = ListQuery { order: Order::Time, ..ListQuery::default() };
    let refusal = store.list_page(&query).await;
    refused("order by time without a scope", refusal, ErrorKind::InvalidArgument)?;
    let query = ListQuery { order: Order::Time, ..scope_of(super::sample::SCOPE) };
    same("with a scope", walk(&store, &query).await?.len(), 1)
}

async fn time_filters_are_inclusive(lab: Lab) -> Outcome {
    let store = lab.store().await?;
    let vote = DagEventType::Vote;
    let mut nodes = Vec::new();
    for time in [9, 10, 11, 19, 20, 21] {
        nodes.push(event("s", time, &vote, "an event", &[])?);
    }
    fill(&store, &nodes).await?;
    for order in [Order::Insertion, Order::Time] {
        let times = |since, until| {
            let query = ListQuery { since, until, order, ..scope_of("s") };
            let store = &store;
            async move {
                let found = store.list_page(&query).await?.nodes;
                Outcome::Ok(found.iter().map(DagNode::timestamp).collect::<Vec<_>>())
            }
        };
        same("10 to 20", times(Some(10), Some(20)).await?, vec![10, 11, 19, 20])?;
        same("since 20", times(Some(20), None).await?, vec![20, 21])?;
        same("until 10", times(None, Some(10)).await?, vec![9, 10])?;
        same("at 10", times(Some(10), Some(10)).await?, vec![10])?;
        same("12 to 18", times(Some(12), Some(18)).await?, vec![])?;
        same("20 to 10", times(Some(20), Some(10)).await?, vec![])?;
    }
    Ok(())
}

async fn filters_limits_and_cursors_never_change_the_order(lab: Lab) -> Outcome {
    let store = lab.store().await?;
    let mut dice = Dice::new(4);
    let nodes = dag(&mut dice, 60)?;
    fill(&store, &nodes).await?;
    // Holes in the order, and nodes that came back.
    let gone: Vec<DagNode> = {
        let heads = store.heads(None).await?;
        nodes
            .iter()
            .filter(|node| node.cid().is_ok_and(|cid| heads.contains(&cid)))
            .cloned()
            .collect()
    };
    precondition(gone.len() > 4, "there are heads to remove")?;
    store.commit(removals(&gone)?).await?;
    store.insert_many(gone[..gone.len() / 2].to_vec()).await?;
    let nodes = all(&store).await?;

    let types = [
        vec![],
        vec![DagEventType::Vote],
        vec![DagEventType::from("ballot-opened"), DagEventType::Proposal],
        vec![DagEventType::Genesis],
    ];
    let ranges =
        [(None, None), (Some(2_000), None), (None, Some(5_000)), (Some(1_000), Some(6_000))];
    let scopes = SCOPES.iter().map(|scope| Some((*scope).to_owned())).chain([None]);
    let (mut queries, mut matches) = (0, 0);
    for scope_id in scopes {
        for event_types in &types {
            for (since, until) in ranges {
                for order in [Order::Insertion, Order::Time] {
                    if order == Order::Time && scope_id.is_none() {
                        continue;
                    }
                    for reverse in [false, true] {
                        let query = ListQuery {
                            scope_id: scope_id.clone(),
                            event_types: event_types.clone(),
                            since,
                            until,
                            order,
                            reverse,
                            ..ListQuery::default()
                        };
                        let expected = listed(&nodes, &query)?;
                        for limit in [1, 3, 1_000] {
                            let query = ListQuery { limit, ..query.clone() };
                            same(
                                &format!("{query:?}"),
                                walk(&store, &query).await?,
                                expected.clone(),
                            )?;
                        }
                        queries += 1;
                        matches += usize::from(expected.len() > 3);
                    }
                }
            }
        }
    }
    precondition(matches > queries / 4, "the queries find nodes")
}

async fn pages_keep_their_limit(lab: Lab) -> Outcome {
    let store = lab.store().await?;
    fill(&store, &roots("node", 10)?).await?;
    for limit in 1..=11 {
        let mut query = ListQuery { limit, ..ListQuery::default() };
        let mut sizes = Vec::new();
        loop {
            let page = store.list_page(&query).await?;
            sizes.push(page.nodes.len());
            ensure(page.nodes.len() <= limit, "a page has more nodes than its limit")?;
            ensure(sizes.len() <= MOST_PAGES, "the pages don't come to an end")?;
            query.cursor = page.next;
            if query.cursor.is_none() {
                break;
            }
        }
        same("the nodes in all pages", sizes.iter().sum(), 10)?;
    }
    Ok(())
}

async fn cursors_survive_as_text(lab: Lab) -> Outcome {
    let store = lab.store().await?;
    fill(&store, &roots("node", 6)?).await?;
    for order in [Order::Insertion, Order::Time] {
        let mut query = ListQuery { order, limit: 2, ..scope_of(super::sample::SCOPE) };
        let expected = listed(&all(&store).await?, &query)?;
        let mut found = Vec::new();
        loop {
            let page = store.list_page(&query).await?;
            found.extend(cids(&page.nodes)?);
            let Some(cursor) = page.next else { break };
            let text = cursor.to_string();
            query.cursor = Some(text.parse::<Cursor>()?);
            same("the cursor, read again", query.cursor.as_ref(), Some(&cursor))?;
            ensure(found.len() <= 6, "the pages don't come to an end")?;
        }
        same("page by page", found, expected)?;
    }
    Ok(())
}

async fn cursors_stay_valid_while_others_write(lab: Lab) -> Outcome {
    for order in [Order::Insertion, Order::Time] {
        for reverse in [false, true] {
            let store = lab.store().await?;
            let mut dice = Dice::new(5);
            let vote = DagEventType::Vote;
            let (mut nodes, mut passing) = (Vec::new(), Vec::new());
            for i in 0..40 {
                let time = dice.below(10) as u64;
                nodes.push(event("s", time, &vote, &format!("staying {i}"), &[])?);
                passing.push(event("s", time, &vote, &format!("passing {i}"), &[])?);
            }
            for (node, other) in nodes.iter().zip(&passing) {
                fill(&store, [node, other]).await?;
            }
            let mut query = ListQuery { order, reverse, limit: 7, ..scope_of("s") };
            let staying: Vec<Cid> = cids(&nodes)?;
            let expected: Vec<Cid> = walk(&store, &query)
                .await?
                .into_iter()
                .filter(|cid| staying.contains(cid))
                .collect();

            let mut found = Vec::new();
            loop {
                let page = store.list_page(&query).await?;
                found.extend(cids(&page.nodes)?);
                query.cursor = page.next;
                if query.cursor.is_none() {
                    break;
                }
                ensure(found.len() < 400, "the list doesn't come to an end")?;
                // Before and behind the cursor, nodes go, come, and come back.
                let gone: Vec<DagNode> = passing.drain(..passing.len().min(3)).collect();
                store.commit(removals(&gone)?).await?;
                if found.len() % 2 == 0 {
                    fill(&store, &gone).await?;
                }
                let time = dice.below(10) as u64;
                let name = format!("newcomer {}", found.len());
                store.insert(event("s", time, &vote, &name, &[])?).await?;
            }
            let mut once = found.clone();
            once.sort();
            once.dedup();
            let kept: Vec<Cid> =
                found.iter().copied().filter(|cid| staying.contains(cid)).collect();
            same("those that stay", kept, expected)?;
            // By insertion a node that comes back has another place, and may be met there again.
            if order == Order::Time {
                same("listed twice", found.len() - once.len(), 0)?;
            }
        }
    }
    Ok(())
}

async fn cursors_outlive_their_node(lab: Lab) -> Outcome {
    for order in [Order::Insertion, Order::Time] {
        for reverse in [false, true] {
            let store = lab.store().await?;
            fill(&store, &roots("node", 6)?).await?;
            let query = ListQuery { order, reverse, ..scope_of(super::sample::SCOPE) };
            let expected = walk(&store, &query).await?;
            let first = store.list_page(&ListQuery { limit: 3, ..query.clone() }).await?;
            let Some(cursor) = first.next else {
                return Err(Failure::new("three of six nodes, and no cursor"));
            };
            // Both neighbours of the cursor go.
            store.remove(expected[2]).await?;
            store.remove(expected[3]).await?;
            let rest = store.list_page(&ListQuery { cursor: Some(cursor), ..query }).await?;
            same("the rest", cids(&rest.nodes)?, expected[4..].to_vec())?;
        }
    }
    Ok(())
}

async fn lists_are_lazy(lab: Lab) -> Outcome {
    let store = lab.store().await?;
    let nodes = roots("node", 1_000)?;
    fill(&store, &nodes).await?;
    let untouched = store.list();
    let mut stream = store.list().stream();
    let Some(first) = stream.next().await else {
        return Err(Failure::new("the list is empty"));
    };
    same("the first node", first?, nodes[0].clone())?;
    store.close().await?;
    // What was read already may still come; the rest can't, and nothing comes after that is told.
    let mut rest = 0;
    while let Some(Ok(_)) = stream.next().await {
        rest += 1;
    }
    ensure(rest < nodes.len() - 1, "all was read for the first node")?;
    ensure(stream.next().await.is_none(), "the list goes on after an error")?;
    refused("a list made earlier", untouched.await, ErrorKind::Closed)?;
    Ok(())
}

async fn lists_are_asked_for_step_by_step(lab: Lab) -> Outcome {
    let store = lab.store().await?;
    fill(&store, &dag(&mut Dice::new(17), 80)?).await?;
    let nodes = all(&store).await?;
    let query = ListQuery {
        scope_id: Some(SCOPES[0].to_owned()),
        event_types: vec![DagEventType::Vote, DagEventType::Proposal],
        since: Some(1_000),
        until: Some(6_000),
        order: Order::Time,
        reverse: true,
        ..ListQuery::default()
    };
    let expected = listed(&nodes, &query)?;
    precondition(expected.len() > 5, "there are nodes to list")?;
    let list = || {
        let list = store.list().scope_id(SCOPES[0]).event_types(["vote", "proposal"]);
        list.since(1_000).until(6_000).order(Order::Time).reverse()
    };
    same("all", cids(&list().await?)?, expected.clone())?;
    same("some", cids(&list().limit(4).await?)?, expected[..4].to_vec())?;
    same("none", list().limit(0).await?, vec![])?;
    let page = list().page(3).await?;
    same("a page", cids(&page.nodes)?, expected[..3].to_vec())?;
    let Some(next) = page.next else { return Err(Failure::new("a page of three is the last")) };
    same("the rest", cids(&list().after(next.clone()).await?)?, expected[3..].to_vec())?;
    same("some more", cids(&list().after(next).limit(2).await?)?, expected[3..5].to_vec())
}

async fn lists_begin_after_a_commit(lab: Lab) -> Outcome {
    let store = lab.store().await?;
    let nodes = roots("node", 9)?;
    fill(&store, &nodes[..3]).await?;
    for node in &nodes[3..6] {
        store.insert(node.clone()).await?;
    }
    store.commit(removals([&nodes[1], &nodes[4]])?).await?;
    fill(&store, &nodes[6..8]).await?;
    // What comes back is new.
    fill(&store, [&nodes[4], &nodes[8]]).await?;
    let sequence = super::model::sequence(&store).await?;
    same("the sequence number", sequence, 7)?;
    let in_order = [0, 2, 3, 5, 6, 7, 4, 8];
    // How many of them were there after each commit.
    for (commit, known) in (0..).zip([0, 2, 3, 3, 4, 4, 6, 8]) {
        let new: Vec<&DagNode> = in_order[known..].iter().map(|i| &nodes[*i]).collect();
        let mut query = ListQuery { after_commit: Some(commit), limit: 2, ..ListQuery::default() };
        same("in insertion order", walk(&store, &query).await?, cids(new.iter().copied())?)?;
        same("counted", store.count(&query).await?, new.len() as u64)?;
        query.reverse = true;
        let backwards = cids(new.iter().rev().copied())?;
        same("backwards", walk(&store, &query).await?, backwards)?;
        let mut by_digest = cids(new)?;
        by_digest.sort_by(|a, b| a.hash().digest().cmp(b.hash().digest()));
        let by_time = store.list().scope_id(super::sample::SCOPE).order(Order::Time);
        same("by time", cids(&by_time.after_commit(commit).await?)?, by_digest)?;
    }
    for scope in [super::sample::SCOPE, "another scope"] {
        for order in [Order::Insertion, Order::Time] {
            let query = ListQuery { after_commit: Some(8), order, ..scope_of(scope) };
            let refusal = store.list_page(&query).await;
            refused("a list after one to come", refusal, ErrorKind::InvalidArgument)?;
            let refusal = store.count(&query).await;
            refused("a count after one to come", refusal, ErrorKind::InvalidArgument)?;
        }
    }
    Ok(())
}

async fn lists_may_be_empty(lab: Lab) -> Outcome {
    let store = lab.store().await?;
    same("of an empty store", store.list_page(&ListQuery::default()).await?.nodes, vec![])?;
    let node = root("a node")?;
    fill(&store, [&node, &child("child", &[&node])?]).await?;
    precondition(store.len(None).await? == 2, "the store is not empty")?;
    for order in [Order::Insertion, Order::Time] {
        let unknown = ListQuery { order, ..scope_of("another scope") };
        let page = store.list_page(&unknown).await?;
        same("of an unknown scope", page.nodes, vec![])?;
        different("the last page", page.next.is_some(), true)?;
    }
    let types = vec![DagEventType::Genesis];
    let query = ListQuery { event_types: types, ..ListQuery::default() };
    same("of an unused type", store.list_page(&query).await?.nodes, vec![])
}

fn scope_of(scope: &str) -> ListQuery {
    ListQuery { scope_id: Some(scope.to_owned()), ..ListQuery::default() }
}

/// All the pages of this query.
async fn walk(store: &Arc<dyn DagStore>, query: &ListQuery) -> Outcome<Vec<Cid>> {
    let mut query = query.clone();
    let mut found = Vec::new();
    for _ in 0..MOST_PAGES {
        let page = store.list_page(&query).await?;
        found.extend(cids(&page.nodes)?);
        query.cursor = page.next;
        if query.cursor.is_none() {
            return Ok(found);
        }
    }
    Err(Failure::new("the pages don't come to an end"))
}

/// More pages than any list here has. A page may be short, or empty, before the last.
const MOST_PAGES: usize = 1_000;
