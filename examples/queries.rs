//! What counts, pages of lists and comparisons cost in stores of ten thousand to a million nodes.
//!
//! ```sh
//! cargo run --release --example queries
//! ```

#![allow(clippy::cast_precision_loss, reason = "times")]

use std::sync::Arc;
use std::time::Instant;

use dag_store::{DagNode, ListQuery, Result, SharedDagStore};

const START: u64 = 1_735_689_600_000;
const SECOND: u64 = 1000;

/// Fifty scopes of very different sizes, and one in which something happens once in ten thousand times.
fn node(number: u64) -> Result<DagNode> {
    let scope = match number % 10_000 {
        5_000 => "rare".to_owned(),
        _ => format!("scope {}", (number * 7919 % 2_500).isqrt()),
    };
    let event_type = if number.is_multiple_of(3) { "proposal" } else { "vote" };
    let node = DagNode::builder().content(format!("node {number}")).event_type(event_type);
    node.scope_id(scope).timestamp(START + number * SECOND).build()
}

async fn fill(store: &SharedDagStore, nodes: std::ops::Range<u64>) -> Result<()> {
    store.insert_many(nodes.map(node).collect::<Result<Vec<_>>>()?).await?;
    // What a question must not pay for.
    store.get_state_hash().await?;
    Ok(())
}

/// The median of some times, in microseconds, and what was found.
async fn time<T>(what: &str, size: u64, call: impl AsyncFn() -> Result<T>) -> Result<T> {
    let mut times = Vec::new();
    let mut found = call().await?;
    for _ in 0..9 {
        let start = Instant::now();
        found = call().await?;
        times.push(start.elapsed().as_secs_f64() * 1e6);
    }
    times.sort_by(f64::total_cmp);
    println!("{size:9}  {what:55} {:12.1} µs", times[times.len() / 2]);
    Ok(found)
}

fn query(scope_id: Option<&str>, since: Option<u64>, until: Option<u64>) -> ListQuery {
    let mut query = ListQuery::default();
    query.scope_id = scope_id.map(Into::into);
    (query.since, query.until) = (since, until);
    query
}

fn main() -> Result<()> {
    futures::executor::block_on(async {
        let [store, other] = [(); 2].map(|()| Arc::new(SharedDagStore::new()));
        let mut count = 0;
        for size in [10_000, 100_000, 1_000_000] {
            fill(&store, count..size).await?;
            fill(&other, count..size).await?;
            count = size;
            let middle = START + size / 2 * SECOND;
            let hour = Some(middle + 3_600 * SECOND);
            let questions = [
                ("a common scope", query(Some("scope 49"), None, None)),
                ("a common scope, an hour", query(Some("scope 49"), Some(middle), hour)),
                ("a common scope, its newest half", query(Some("scope 49"), Some(middle), None)),
                ("a rare scope", query(Some("rare"), None, None)),
                ("all scopes, an hour", query(None, Some(middle), hour)),
            ];
            for (what, mut query) in questions {
                time(&format!("count: {what}"), size, async || store.count(&query).await).await?;
                let page = async || Ok(store.list_page(&query).await?.nodes.len());
                let found = time(&format!("a page of 256: {what}"), size, page).await?;
                assert!(found > 0, "{what}");
                query.event_types = vec!["vote".into()];
                let votes = async || store.count(&query).await;
                time(&format!("count of votes: {what}"), size, votes).await?;
            }
            time("the scopes", size, async || store.scopes(None, 100).await).await?;

            let compare = async || store.compare(&other).await;
            time("compare: equal", size, compare).await?;
            for differing in [1, 100, 10_000] {
                let step = size / differing;
                let gone = (0..differing).map(|i| node(i * step + step / 3)?.cid());
                let mut changes = dag_store::Changes::new();
                for cid in gone {
                    changes.remove(cid?)?;
                }
                other.commit(changes).await?;
                other.get_state_hash().await?;
                let found =
                    time(&format!("compare: {differing} nodes spread about"), size, compare)
                        .await?;
                println!("{:65}{:12} parts read", "", found.visited);
                assert_eq!(found.only_here.len() as u64, differing);
                other
                    .insert_many(store.get_many(&found.only_here).await?.into_iter().flatten())
                    .await?;
                other.get_state_hash().await?;
            }
            let newest: Vec<_> = (size..size + 100).map(node).collect::<Result<_>>()?;
            let cids = newest.iter().map(DagNode::cid).collect::<Result<Vec<_>>>()?;
            other.insert_many(newest).await?;
            other.get_state_hash().await?;
            let found = time("compare: the newest 100 nodes", size, compare).await?;
            println!("{:65}{:12} parts read", "", found.visited);
            assert_eq!(found.only_there.len(), cids.len());
            let mut changes = dag_store::Changes::new();
            for cid in cids {
                changes.remove(cid)?;
            }
            other.commit(changes).await?;
        }
        Ok(())
    })
}
