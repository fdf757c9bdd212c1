//! What a user found by trying to break it; none of it may come back.

#![allow(clippy::unwrap_used, reason = "tests may panic")]

use std::collections::BTreeSet;

use dag_store::{DagEventType, DagNode, ErrorKind, Ipld, Limits, Result, SharedDagStore};
use futures::executor::block_on;

fn vote(number: u64) -> DagNode {
    let vote = DagNode::builder().content(number).event_type("vote").scope_id("s");
    vote.timestamp(number).build().unwrap()
}

/// A million lists within one another: dropping that the plain way overflows the stack.
fn deep() -> Ipld {
    (0..1_000_000).fold(Ipld::Null, |inner, _| Ipld::List(vec![inner]))
}

#[test]
fn builders_stand_content_of_any_depth() {
    drop(DagNode::builder().content(deep()));
    drop(DagNode::builder().content(deep()).content(1));
    let refused = DagNode::builder().content(deep()).event_type("vote").scope_id("s").build();
    assert_eq!(refused.unwrap_err().kind(), ErrorKind::Limit);
}

#[test]
fn a_choice_of_no_types_chooses_nothing() -> Result<()> {
    block_on(async {
        let store = SharedDagStore::new();
        store.insert(vote(1)).await?;
        let none: [DagEventType; 0] = [];
        assert_eq!(store.list().await?.len(), 1);
        assert!(store.list().event_types(none.clone()).await?.is_empty());
        assert!(store.list().event_types(none).page(5).await?.nodes.is_empty());
        Ok(())
    })
}

#[test]
fn a_limit_of_nothing_gives_nothing() -> Result<()> {
    block_on(async {
        let store = SharedDagStore::new();
        store.insert(vote(1)).await?;
        assert!(store.list().limit(0).await?.is_empty());
        let page = store.list().limit(0).page(5).await?;
        assert!(page.nodes.is_empty() && page.next.is_none());
        Ok(())
    })
}

#[test]
fn no_two_commits_have_one_id() -> Result<()> {
    block_on(async {
        let store = SharedDagStore::new();
        let mut ids = BTreeSet::new();
        for number in [1, 1, 2, 2, 3] {
            ids.insert(store.insert_many([vote(number)]).await?.id);
        }
        let other = SharedDagStore::new();
        ids.insert(other.insert_many([vote(1)]).await?.id);
        assert_eq!(ids.len(), 6);
        Ok(())
    })
}

/// An iterator without end is refused once it has given more than a batch may have.
#[test]
fn nodes_without_end_are_refused() -> Result<()> {
    block_on(async {
        let store = SharedDagStore::with_limits(Limits::default().with_batch_operations(100));
        let refused = store.insert_many((0..).map(vote)).await.unwrap_err();
        assert_eq!(refused.kind(), ErrorKind::Limit);
        let mut batch = store.begin_batch().await;
        let refused = batch.insert_many((0..).map(vote)).await.unwrap_err();
        assert_eq!(refused.kind(), ErrorKind::Limit);
        assert!(batch.is_empty());
        batch.insert_many((0..100).map(vote)).await?;
        assert_eq!(batch.commit().await?.inserted.len(), 100);
        Ok(())
    })
}
