//! Reads a history from JSON lines, each commit after its parents, and prints the one hash that
//! commits to all of it.
//!
//! ```sh
//! cargo run --example replay -- history.jsonl my-project
//! ```
//!
//! A line is `{"id": "8fc77d9", "parents": ["…"], "timestamp": 1747512127000}`.

use std::collections::{BTreeMap, HashMap};
use std::error::Error;
use std::fs::File;
use std::io::{BufRead, BufReader};
use std::sync::Arc;

use dag_store::{Cid, DagEventType, DagNode, DagNodeBuilder, DagStoreExt, Ipld, SharedDagStore};
use futures::executor::block_on;
use serde_json::Value;

/// How many nodes become visible at once.
const BATCH: usize = 500;

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let (Some(path), Some(scope)) = (arguments.next(), arguments.next()) else {
        return Err("usage: replay <history.jsonl> <scope>".into());
    };
    block_on(replay(&path, &scope))
}

async fn replay(path: &str, scope: &str) -> Result<(), Box<dyn Error>> {
    let store = Arc::new(SharedDagStore::new());
    let mut imported = HashMap::new();
    let mut batch = store.begin_batch().await;
    for line in BufReader::new(File::open(path)?).lines() {
        let commit: Value = serde_json::from_str(&line?)?;
        let id = commit["id"].as_str().ok_or("a commit without an id")?;
        let node = node(&commit, id, scope, &imported)?;
        imported.insert(id.to_owned(), batch.insert(node).await?);
        if batch.len() == BATCH {
            batch.commit().await?;
            batch = store.begin_batch().await;
        }
    }
    batch.commit().await?;

    println!("nodes       {}", store.len(None).await?);
    for head in store.heads(None).await? {
        println!("head        {head}");
    }
    println!("state hash  {}", store.get_state_hash().await?);
    Ok(())
}

/// A commit as a node: what it is follows from how many parents it has.
fn node(
    commit: &Value,
    id: &str,
    scope: &str,
    imported: &HashMap<String, Cid>,
) -> Result<DagNode, Box<dyn Error>> {
    let named = commit["parents"].as_array().ok_or("a commit without parents")?;
    let timestamp = commit["timestamp"].as_u64().ok_or("a commit without a timestamp")?;
    let mut parents = Vec::new();
    for parent in named {
        let parent = parent.as_str().and_then(|parent| imported.get(parent));
        parents.push(*parent.ok_or("a commit before its parent")?);
    }
    let event_type = match parents.len() {
        0 => DagEventType::Genesis,
        1 => DagEventType::Receipt,
        _ => DagEventType::Anchor,
    };
    let node = DagNodeBuilder::new()
        .content(BTreeMap::from([("commit".to_owned(), Ipld::from(id))]))
        .event_type(event_type)
        .scope_id(scope)
        .timestamp(timestamp)
        .parents(parents)
        .build()?;
    Ok(node)
}
