//! A store that removes more than it keeps copies what is left together; nobody may notice.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "tests may panic")]

use dag_store::{Cid, Cursor, DagNode, ErrorKind, Limits, Order, Result, SharedDagStore};
use futures::executor::block_on;

fn node(number: u64, parents: &[Cid]) -> Result<DagNode> {
    DagNode::builder()
        .content(number)
        .event_type("receipt")
        .scope_id(if number.is_multiple_of(3) { "third" } else { "others" })
        .timestamp(number)
        .parents(parents)
        .build()
}

/// Nodes in rows of ten: the first of a row has no parents, the others the one before.
fn rows(count: u64) -> Result<Vec<DagNode>> {
    let mut nodes: Vec<DagNode> = Vec::new();
    for number in 0..count {
        let parents = match nodes.last() {
            Some(last) if number % 10 != 0 => vec![last.cid()?],
            _ => vec![],
        };
        nodes.push(node(number, &parents)?);
    }
    Ok(nodes)
}

/// What is new since a commit is known across rebuilds, and across commits of every kind.
#[test]
fn what_is_new_since_a_commit_stays_known() -> Result<()> {
    block_on(async {
        let store = SharedDagStore::new();
        let mut there: Vec<DagNode> = Vec::new();
        // For each commit, the first number that was new after it.
        let mut new_after = vec![0];
        let mut number = 0;
        for round in 0..400 {
            let mut new = Vec::new();
            for _ in 0..round % 13 {
                new.push(node(number, &[])?);
                number += 1;
            }
            if round % 3 == 0 {
                for node in &new {
                    store.insert(node.clone()).await?;
                    new_after.push(node.timestamp() + 1);
                }
            } else if !new.is_empty() {
                store.insert_many(new.clone()).await?;
                new_after.push(number);
            }
            there.extend(new);
            if there.len() > 100 {
                let mut batch = store.begin_batch().await;
                for gone in there.drain(..90) {
                    batch.remove(gone.cid()?).await?;
                }
                batch.commit().await?;
                new_after.push(number);
            }
        }
        assert!(number > 2_000, "there were no rebuilds");
        for (commit, first) in new_after.iter().enumerate() {
            let new = store.list().after_commit(commit as u64).await?;
            let expected: Vec<DagNode> =
                there.iter().filter(|node| node.timestamp() >= *first).cloned().collect();
            assert_eq!(new, expected, "after commit {commit}");
        }
        Ok(())
    })
}

/// A store that has forgotten a commit says so, rather than to guess; one that has seen nothing but
/// single inserts forgets none.
#[test]
fn what_is_new_since_a_forgotten_commit_is_not_made_up() -> Result<()> {
    block_on(async {
        let store = SharedDagStore::with_limits(Limits::default().with_history(100));
        for number in 0..5_000 {
            store.insert(node(number, &[])?).await?;
        }
        assert_eq!(store.list().after_commit(4_990).await?.len(), 10);
        assert_eq!(store.list().after_commit(1).page(3).await?.nodes[0].timestamp(), 1);
        for number in 0..100 {
            store.insert_many([node(5_000 + number, &[])?]).await?;
        }
        let refused = store.list().after_commit(4_998).page(1).await.map(drop);
        assert_eq!(refused.map_err(|error| error.kind()), Err(ErrorKind::Compacted));
        assert_eq!(store.list().after_commit(5_000).page(3).await?.nodes[0].timestamp(), 5_000);
        assert_eq!(store.list().after_commit(0).page(3).await?.nodes[0].timestamp(), 0);
        Ok(())
    })
}

/// All but every tenth row goes, in batches, while a list is being read.
#[test]
fn nothing_changes_but_what_was_removed() -> Result<()> {
    block_on(async {
        let store = SharedDagStore::new();
        let nodes = rows(10_000)?;
        store.insert_many(nodes.clone()).await?;
        let is_kept = |number: usize| (number / 10).is_multiple_of(10);
        let kept: Vec<DagNode> =
            nodes.iter().enumerate().filter(|(i, _)| is_kept(*i)).map(|(_, n)| n.clone()).collect();

        // The cursor stands in a row that goes, just before row 500, which stays.
        let page = store.list().page(4_999).await?;
        let cursor: Cursor = page.next.expect("there is more");
        let by_time = store.list().scope_id("third").order(Order::Time).page(1_600).await?;
        let by_time_cursor = by_time.next.expect("there is more");

        for rows in nodes.chunks(1_000) {
            let mut batch = store.begin_batch().await;
            for (i, node) in rows.iter().enumerate() {
                if !is_kept(i) {
                    batch.remove(node.cid()?).await?;
                }
            }
            batch.commit().await?;
            store.verify().await?;
        }

        assert_eq!(store.len(None).await?, 1_000);
        assert_eq!(store.list().await?, kept);
        let backwards: Vec<DagNode> = kept.iter().rev().cloned().collect();
        assert_eq!(store.list().reverse().await?, backwards);
        let heads: Vec<Cid> =
            kept.iter().skip(9).step_by(10).map(DagNode::cid).collect::<Result<_>>()?;
        assert_eq!(store.heads(None).await?, heads);
        for (i, node) in nodes.iter().enumerate() {
            assert_eq!(store.get(node.cid()?).await?.as_ref(), is_kept(i).then_some(node));
        }

        // Cursors from before still stand where they stood.
        assert_eq!(store.list().after(cursor.clone()).await?, kept[500..]);
        assert_eq!(store.list().after(cursor).reverse().await?, backwards[500..]);
        let after_time = store.list().scope_id("third").order(Order::Time).after(by_time_cursor);
        let after_time = after_time.await?;
        let last_read = by_time.nodes.last().expect("a full page").timestamp();
        let expected: Vec<DagNode> = kept
            .iter()
            .filter(|node| node.scope_id() == "third" && node.timestamp() > last_read)
            .cloned()
            .collect();
        assert!(!expected.is_empty());
        assert_eq!(after_time, expected);

        // New nodes come last, and the same set made directly has the same hash.
        let next = node(10_000, &[kept[999].cid()?])?;
        store.insert(next.clone()).await?;
        assert_eq!(store.list().await?.last(), Some(&next));
        let direct = SharedDagStore::new();
        direct.insert_many(kept.into_iter().chain([next])).await?;
        assert_eq!(store.get_state_hash().await?, direct.get_state_hash().await?);
        Ok(())
    })
}

/// Inserting and removing for ever takes no more memory than what is there at the time.
#[test]
fn coming_and_going_for_ever_keeps_working() -> Result<()> {
    block_on(async {
        let store = SharedDagStore::new();
        let stays = node(0, &[])?;
        store.insert(stays.clone()).await?;
        let hash = store.get_state_hash().await?;
        for round in 1..200 {
            let nodes: Vec<DagNode> =
                (0..100).map(|i| node(round * 100 + i, &[stays.cid()?])).collect::<Result<_>>()?;
            store.insert_many(nodes.clone()).await?;
            assert_eq!(store.heads(None).await?.len(), 100);
            let mut batch = store.begin_batch().await;
            batch.remove_many(nodes.iter().map(DagNode::cid).collect::<Result<Vec<_>>>()?).await?;
            batch.commit().await?;
        }
        assert_eq!(store.list().await?, std::slice::from_ref(&stays));
        assert_eq!(store.heads(None).await?, [stays.cid()?]);
        assert_eq!(store.get_state_hash().await?, hash);
        store.verify().await?;
        Ok(())
    })
}
