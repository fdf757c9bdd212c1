//! How many nodes there are, without listing them.

use super::contract;
use super::failure::{Outcome, precondition, same};
use super::lab::Lab;
use super::model::{all, listed};
use super::sample::{Dice, SCOPES, dag, event, fill, removals};
use crate::{Cursor, DagEventType, DagNode, DagStoreExt, ListQuery, Order, Scope};

contract! {
    /// `count` tells how many nodes match a query's filters.
    counts_are_those_of_the_list,
    /// Order, direction, limit and cursor of a query don't change how many nodes match it.
    counts_are_of_filters_alone,
    /// `scopes` gives the scopes that have nodes, with how many, by the bytes of their ids.
    scopes_are_told_with_their_counts,
    /// `scopes` gives no more scopes than asked for, and only those after the id given.
    scopes_come_in_parts,
}

async fn counts_are_those_of_the_list(lab: Lab) -> Outcome {
    let store = lab.store().await?;
    same("of an empty store", store.count(&ListQuery::default()).await?, 0)?;
    let nodes = dag(&mut Dice::new(41), 80)?;
    fill(&store, &nodes).await?;
    let heads = store.heads(None).await?;
    let gone: Vec<DagNode> =
        nodes.into_iter().filter(|node| node.cid().is_ok_and(|cid| heads.contains(&cid))).collect();
    precondition(gone.len() > 4, "there are heads to remove")?;
    store.commit(removals(&gone)?).await?;
    let nodes = all(&store).await?;

    let times = [None, Some(0), Some(1), Some(3_000), Some(3_001), Some(7_000), Some(u64::MAX)];
    let types = [vec![], vec![DagEventType::Vote, DagEventType::Anchor], vec!["none".into()]];
    let scopes = SCOPES.into_iter().chain(["of nobody"]).map(|scope| Some(scope.to_owned()));
    let mut counts = Vec::new();
    for scope_id in scopes.chain([None]) {
        for event_types in &types {
            for since in times {
                for until in times {
                    let query = ListQuery {
                        scope_id: scope_id.clone(),
                        event_types: event_types.clone(),
                        since,
                        until,
                        ..ListQuery::default()
                    };
                    let expected = listed(&nodes, &query)?.len() as u64;
                    same(&format!("{query:?}"), store.count(&query).await?, expected)?;
                    counts.push(expected);
                }
            }
        }
    }
    counts.sort_unstable();
    counts.dedup();
    precondition(counts.len() > 10, "the counts are many")
}

async fn counts_are_of_filters_alone(lab: Lab) -> Outcome {
    let store = lab.store().await?;
    fill(&store, &dag(&mut Dice::new(42), 40)?).await?;
    let query = ListQuery { since: Some(1_000), ..ListQuery::default() };
    let expected = store.count(&query).await?;
    precondition(expected > 5, "some match")?;
    let odd = ListQuery {
        order: Order::Time,
        reverse: true,
        limit: 1,
        cursor: Some(Cursor::new("not looked at")),
        ..query
    };
    same("whatever the order", store.count(&odd).await?, expected)?;
    let list = store.list().since(1_000).limit(2).reverse();
    same("by the list", list.count().await?, expected)?;
    let none: [DagEventType; 0] = [];
    same("of no type", store.list().event_types(none).count().await?, 0)
}

async fn scopes_are_told_with_their_counts(lab: Lab) -> Outcome {
    let store = lab.store().await?;
    same("of an empty store", store.scopes(None, 10).await?, vec![])?;
    let vote = DagEventType::Vote;
    let mut nodes = Vec::new();
    let ids = ["b", "a", "ä", "aa", "Z", "a\u{0}", "\u{1f331}"];
    for (i, scope) in ids.iter().enumerate() {
        for time in 0..=i as u64 {
            nodes.push(event(scope, time, &vote, "an event", &[])?);
        }
    }
    fill(&store, &nodes).await?;
    let mut expected: Vec<Scope> =
        ids.iter().zip(1..).map(|(id, nodes)| Scope { id: (*id).to_owned(), nodes }).collect();
    expected.sort_by(|one, other| one.id.cmp(&other.id));
    same("all", store.scopes(None, usize::MAX).await?, expected.clone())?;
    // One goes altogether, of another a node.
    store.commit(removals(nodes.iter().take(2))?).await?;
    for scope in &mut expected {
        scope.nodes -= u64::from(scope.id == "a") + u64::from(scope.id == "b");
    }
    expected.retain(|scope| scope.nodes > 0);
    precondition(expected.len() == ids.len() - 1, "one scope is gone")?;
    same("those that are left", store.scopes(None, 10).await?, expected)
}

async fn scopes_come_in_parts(lab: Lab) -> Outcome {
    let store = lab.store().await?;
    fill(&store, &dag(&mut Dice::new(43), 20)?).await?;
    let whole = store.scopes(None, 10).await?;
    same("all", whole.len(), SCOPES.len())?;
    for limit in 0..=4 {
        for first in 0..=whole.len() {
            let after = first.checked_sub(1).map(|before| whole[before].id.as_str());
            let expected: Vec<Scope> = whole[first..].iter().take(limit).cloned().collect();
            same("a part", store.scopes(after, limit).await?, expected)?;
        }
    }
    // What they come after need not be there.
    let after = format!("{}\u{0}", whole[0].id);
    same("after another id", store.scopes(Some(&after), 10).await?, whole[1..].to_vec())?;
    same("after all", store.scopes(Some("\u{10ffff}"), 10).await?, vec![])
}
