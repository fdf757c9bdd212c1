//! Inserting in memory, beside stores and documents that others make: the same nodes, each a commit of its own.

use std::cell::Cell;

use anyhow::{Result, ensure};
use automerge::transaction::Transactable as _;
use automerge::{AutoCommit, ObjType, ROOT};
use blockstore::{Blockstore as _, InMemoryBlockstore};
use dag_store::{Cid, SharedDagStore};
use dag_store_benches::by_hand::block;
use dag_store_benches::measure::{Asked, Side, in_turns};
use dag_store_benches::nodes::{EVENT, SCOPE, node, text, timestamp};
use futures::executor::block_on;
use loro::{LoroDoc, loro_value};

const CHUNK: usize = 20;
const CID_BYTES: usize = 64;

fn main() -> Result<()> {
    let asked = Asked::new();
    let rounds = asked.many(400, 4);
    let texts: Vec<String> = (0..rounds * CHUNK).map(text).collect();
    let part = |round: usize| (round * CHUNK..(round + 1) * CHUNK).map(|at| (at, &texts[at]));

    let (store, last) = (SharedDagStore::new(), Cell::<Option<Cid>>::default());
    let ours = |round: usize| {
        block_on(async {
            for (at, text) in part(round) {
                let node = node(at, text, last.get())?;
                last.set(Some(store.insert(node).await?));
            }
            Ok(())
        })
    };

    let (blocks, mut parent) = (InMemoryBlockstore::<CID_BYTES>::new(), None);
    let blockstore = |round: usize| {
        for (at, text) in part(round) {
            let (cid, block) = block(at, text, parent)?;
            block_on(blocks.put_keyed(&cid, &block))?;
            parent = Some(cid);
        }
        Ok(())
    };

    // In a document a node is named by its number, and so are its parents.
    let document = LoroDoc::new();
    let map = document.get_map("nodes");
    let loro = |round: usize| {
        for (at, text) in part(round) {
            let node = loro_value!({
                "content": text.as_str(),
                "event_type": EVENT,
                "parents": parent_of(at).into_iter().collect::<Vec<_>>(),
                "scope_id": SCOPE,
                "timestamp": i64::try_from(timestamp(at))?,
            });
            map.insert(&at.to_string(), node)?;
            document.commit();
        }
        Ok(())
    };

    let mut record = AutoCommit::new();
    let nodes = record.put_object(ROOT, "nodes", ObjType::Map)?;
    let automerge = |round: usize| {
        for (at, text) in part(round) {
            let node = record.put_object(&nodes, at.to_string(), ObjType::Map)?;
            record.put(&node, "content", text.as_str())?;
            record.put(&node, "event_type", EVENT)?;
            record.put(&node, "scope_id", SCOPE)?;
            record.put(&node, "timestamp", i64::try_from(timestamp(at))?)?;
            let parents = record.put_object(&node, "parents", ObjType::List)?;
            if let Some(parent) = parent_of(at) {
                record.insert(&parents, 0, parent)?;
            }
            record.commit();
        }
        Ok(())
    };

    let sides: Vec<Side<'_>> = vec![
        ("dag-store", Box::new(ours)),
        ("blockstore", Box::new(blockstore)),
        ("Loro", Box::new(loro)),
        ("Automerge", Box::new(automerge)),
    ];
    let figures = in_turns(rounds, CHUNK, sides)?;
    ensure!(last.get() == parent, "not the same nodes");
    let rows =
        [("N3-blockstore", "blockstore"), ("N3-loro", "Loro"), ("N3-automerge", "Automerge")];
    for (row, peer) in rows {
        if asked.wants(row) {
            figures.beside(peer).report(row, rounds);
        }
    }
    Ok(())
}

fn parent_of(number: usize) -> Option<String> {
    Some(number.checked_sub(1)?.to_string())
}
