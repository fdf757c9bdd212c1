//! The golden trace of `docs/vectors/trace.json`: a thousand operations with the same CIDs, order and
//! state hashes in every language and runtime. `js-tests/suite/trace.mjs` replays it in JavaScript.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]

#[path = "reference/files.rs"]
mod files;
#[cfg(all(not(target_family = "wasm"), feature = "postgres"))]
#[allow(dead_code, reason = "other tests end it in more ways")]
#[path = "postgres/server.rs"]
mod server;
#[path = "reference/typed_json.rs"]
mod typed_json;

#[cfg(not(target_family = "wasm"))]
use std::path::PathBuf;
use std::sync::Arc;

#[cfg(all(not(target_family = "wasm"), feature = "rocksdb"))]
use dag_store::RocksEngine;
use dag_store::{
    Changes, Cid, Commit, Condition, DagNode, DagStore, DagStoreExt, MemoryJournal, Result,
    SharedDagStore,
};
#[cfg(not(target_family = "wasm"))]
use dag_store::{FileJournal, KvDagStore, MemoryEngine};
use files::{list, read, text};
use futures::executor::block_on;
use serde_json::{Value, json};
use typed_json::{base64, ipld};

/// The nodes of the trace, which tells them by number.
struct Nodes(Vec<DagNode>);

impl Nodes {
    fn read(trace: &Value) -> Self {
        let mut nodes: Vec<DagNode> = Vec::new();
        for fields in list(trace, "nodes") {
            let parents: Vec<Cid> = list(fields, "parents")
                .iter()
                .map(|number| nodes[index(number)].cid().unwrap())
                .collect();
            let builder = DagNode::builder()
                .content(ipld(&fields["content"]))
                .parents(parents)
                .event_type(text(fields, "event_type"))
                .scope_id(text(fields, "scope_id"))
                .timestamp(fields["timestamp"].as_u64().unwrap());
            let node = match fields.get("nonce") {
                Some(nonce) => builder.nonce(base64(text(&nonce["/"], "bytes"))).build().unwrap(),
                None => builder.build().unwrap(),
            };
            assert_eq!(node.cid().unwrap().to_string(), text(fields, "cid"));
            nodes.push(node);
        }
        Nodes(nodes)
    }

    fn node(&self, number: &Value) -> DagNode {
        self.0[index(number)].clone()
    }

    fn cid(&self, number: &Value) -> Cid {
        self.0[index(number)].cid().unwrap()
    }

    fn cids(&self, numbers: &Value) -> Vec<Cid> {
        numbers
            .as_array()
            .expect("a list of numbers")
            .iter()
            .map(|number| self.cid(number))
            .collect()
    }

    /// The numbers of these nodes, as the trace has them.
    fn numbers(&self, cids: &[Cid]) -> Value {
        let number = |cid| self.0.iter().position(|node| node.cid().unwrap() == cid).unwrap();
        cids.iter().copied().map(number).collect()
    }

    fn conditions(&self, operation: &Value) -> Vec<Condition> {
        let read = |condition: &Value| match condition {
            _ if condition.get("heads").is_some() => Condition::Heads {
                scope_id: Some(text(condition, "scope_id").to_owned()),
                heads: self.cids(&condition["heads"]),
            },
            _ if condition.get("absent").is_some() => {
                Condition::Absent(self.cid(&condition["absent"]))
            }
            _ => Condition::StateHash(text(condition, "state_hash").parse().unwrap()),
        };
        operation
            .get("conditions")
            .and_then(Value::as_array)
            .into_iter()
            .flatten()
            .map(read)
            .collect()
    }

    fn report(&self, commit: &Commit) -> Value {
        json!({
            "sequence": commit.sequence,
            "inserted": self.numbers(&commit.inserted),
            "removed": self.numbers(&commit.removed),
        })
    }
}

fn index(number: &Value) -> usize {
    usize::try_from(number.as_u64().expect("a number")).unwrap()
}

type Store = Arc<dyn DagStore>;

/// Where a store of the trace is kept.
enum Place {
    Nowhere,
    Memory(MemoryJournal),
    /// A file for each store, numbered, in a folder.
    #[cfg(not(target_family = "wasm"))]
    File(PathBuf, u32),
    #[cfg(not(target_family = "wasm"))]
    Engine(MemoryEngine),
    /// A folder for each store, numbered, in a folder.
    #[cfg(all(not(target_family = "wasm"), feature = "rocksdb"))]
    Rocks(PathBuf, u32),
    /// A schema for each store, numbered.
    #[cfg(all(not(target_family = "wasm"), feature = "postgres"))]
    Postgres(server::Server, u32),
}

impl Place {
    /// A new and empty store.
    async fn fresh(&mut self) -> Result<Store> {
        match self {
            Place::Nowhere => {}
            Place::Memory(journal) => *journal = MemoryJournal::new(),
            #[cfg(not(target_family = "wasm"))]
            Place::File(_, number) => *number += 1,
            #[cfg(not(target_family = "wasm"))]
            Place::Engine(engine) => *engine = MemoryEngine::new(),
            #[cfg(all(not(target_family = "wasm"), feature = "rocksdb"))]
            Place::Rocks(_, number) => *number += 1,
            #[cfg(all(not(target_family = "wasm"), feature = "postgres"))]
            Place::Postgres(_, number) => *number += 1,
        }
        self.again(Arc::new(SharedDagStore::new()), false).await
    }

    /// After how many operations the store is opened anew; a number that the checkpoints' is a multiple of.
    fn patience(&self) -> u64 {
        match self {
            // Connecting takes longer than a commit.
            #[cfg(all(not(target_family = "wasm"), feature = "postgres"))]
            Place::Postgres(..) => 10,
            _ => 1,
        }
    }

    /// The same store: if it is kept, another one that was opened where it is. May put a checkpoint in the
    /// place of the commits so far, where there is a journal.
    async fn again(&self, store: Store, checkpoint: bool) -> Result<Store> {
        let journaled = match self {
            Place::Nowhere => return Ok(store),
            Place::Memory(journal) => {
                store.close().await?;
                SharedDagStore::open(journal.clone()).await?
            }
            #[cfg(not(target_family = "wasm"))]
            Place::File(folder, number) => {
                store.close().await?;
                let journal = FileJournal::open(folder.join(number.to_string())).await?;
                SharedDagStore::open(journal).await?
            }
            #[cfg(not(target_family = "wasm"))]
            Place::Engine(engine) => {
                store.close().await?;
                return Ok(Arc::new(KvDagStore::open(engine.clone()).await?));
            }
            #[cfg(all(not(target_family = "wasm"), feature = "rocksdb"))]
            Place::Rocks(folder, number) => {
                store.close().await?;
                // RocksDB lets a folder be opened once at a time.
                drop(store);
                let engine = RocksEngine::open(folder.join(number.to_string())).await?;
                return Ok(Arc::new(KvDagStore::open(engine).await?));
            }
            #[cfg(all(not(target_family = "wasm"), feature = "postgres"))]
            Place::Postgres(server, number) => {
                store.close().await?;
                SharedDagStore::open(server.journal(&format!("trace_{number}")).await?).await?
            }
        };
        if checkpoint {
            assert!(journaled.checkpoint().await?);
        }
        Ok(Arc::new(journaled))
    }
}

/// Does one operation, and gives what it gave in the words of the trace.
async fn perform(
    store: &mut Store,
    nodes: &Nodes,
    operation: &Value,
    place: &mut Place,
) -> Result<Option<Value>> {
    match text(operation, "do") {
        "insert" => {
            let node = nodes.node(&operation["node"]);
            let cid = node.cid()?;
            assert_eq!(DagStoreExt::insert(store, node).await?, cid);
        }
        "insert_block" => {
            let node = nodes.node(&operation["node"]);
            assert_eq!(DagStoreExt::insert_block(store, node.as_bytes()).await?, node.cid()?);
        }
        "insert_many" => {
            let mut changes = Changes::new();
            for number in list(operation, "nodes") {
                changes.insert(nodes.node(number));
            }
            for condition in nodes.conditions(operation) {
                changes.require(condition);
            }
            return Ok(Some(nodes.report(&DagStore::commit(&**store, changes).await?)));
        }
        "remove" => {
            let removed = DagStoreExt::remove(store, nodes.cid(&operation["node"])).await?;
            return Ok(Some(removed.into()));
        }
        "batch" => {
            let mut batch = store.begin_batch().await;
            for step in list(operation, "steps") {
                match step.get("insert") {
                    Some(number) => {
                        assert_eq!(batch.insert(nodes.node(number)).await?, nodes.cid(number));
                    }
                    None => batch.remove(nodes.cid(&step["remove"])).await?,
                }
            }
            if text(operation, "end") == "rollback" {
                batch.rollback();
                return Ok(None);
            }
            for condition in nodes.conditions(operation) {
                batch.require(condition)?;
            }
            return Ok(Some(nodes.report(&batch.commit().await?)));
        }
        "replay" => {
            let other = place.fresh().await?;
            replay(store, &other, text(operation, "how")).await?;
            *store = other;
        }
        "look" => {
            assert_eq!(store.heads(None).await?, nodes.cids(&operation["heads"]));
            for scope in list(operation, "scopes") {
                let id = Some(text(scope, "id"));
                assert_eq!(store.len(id).await?, scope["size"].as_u64().unwrap());
                assert_eq!(store.heads(id).await?, nodes.cids(&scope["heads"]));
                let hash = store.state_hash(id).await?.to_string();
                assert_eq!(hash, text(scope, "state_hash"));
            }
        }
        other => panic!("no such operation: {other}"),
    }
    Ok(None)
}

/// Inserts all that a store lists into another.
async fn replay(store: &Store, other: &Store, how: &str) -> Result<()> {
    let mut listed = DagStoreExt::list(store).await?;
    match how {
        "one by one" => {
            for node in listed {
                DagStoreExt::insert(other, node).await?;
            }
        }
        "at once" => {
            DagStoreExt::insert_many(other, listed).await?;
        }
        _ => {
            listed.reverse();
            DagStoreExt::insert_many(other, listed).await?;
        }
    }
    Ok(())
}

/// The order after an operation that went well, from the one before.
fn follow(order: &mut Vec<Cid>, nodes: &Nodes, operation: &Value) {
    let gives = &operation["gives"];
    if let Some(listed) = operation.get("order") {
        *order = nodes.cids(listed);
    } else if let Some(inserted) = gives.get("inserted") {
        let removed = nodes.cids(&gives["removed"]);
        order.retain(|cid| !removed.contains(cid));
        order.extend(nodes.cids(inserted));
    } else if *gives == json!(true) {
        let removed = nodes.cid(&operation["node"]);
        order.retain(|cid| *cid != removed);
    } else if gives.is_null() && text(operation, "do").starts_with("insert") {
        let cid = nodes.cid(&operation["node"]);
        if !order.contains(&cid) {
            order.push(cid);
        }
    }
}

#[test]
fn a_thousand_operations_give_what_they_give_everywhere() {
    give_what_they_give(Place::Nowhere);
}

#[test]
fn the_same_operations_on_a_store_opened_anew_after_each() {
    give_what_they_give(Place::Memory(MemoryJournal::new()));
}

#[cfg(not(target_family = "wasm"))]
#[test]
fn the_same_operations_on_a_file_opened_anew_after_each() {
    let folder = folder("file");
    give_what_they_give(Place::File(folder.clone(), 0));
    std::fs::remove_dir_all(folder).unwrap();
}

#[cfg(not(target_family = "wasm"))]
#[test]
fn the_same_operations_in_an_engine_opened_anew_after_each() {
    give_what_they_give(Place::Engine(MemoryEngine::new()));
}

#[cfg(all(not(target_family = "wasm"), feature = "rocksdb"))]
#[test]
fn the_same_operations_in_rocksdb_opened_anew_after_each() {
    let folder = folder("rocksdb");
    give_what_they_give(Place::Rocks(folder.clone(), 0));
    std::fs::remove_dir_all(folder).unwrap();
}

#[cfg(all(not(target_family = "wasm"), feature = "postgres"))]
#[test]
fn the_same_operations_in_postgres_opened_anew_after_ten() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let _entered = runtime.enter();
    give_what_they_give(Place::Postgres(server::Server::start(&[]), 0));
}

/// An empty folder, in memory where there is such a place: thousands of writes are synced there.
#[cfg(not(target_family = "wasm"))]
fn folder(what: &str) -> PathBuf {
    let memory = Some(PathBuf::from("/dev/shm")).filter(|folder| folder.is_dir());
    let name = format!("dag-store-trace-{what}-{}", std::process::id());
    let folder = memory.unwrap_or_else(std::env::temp_dir).join(name);
    std::fs::create_dir(&folder).unwrap();
    folder
}

/// After so many operations there is a checkpoint, where there is a journal.
const CHECKPOINT: u64 = 40;

fn give_what_they_give(mut place: Place) {
    let trace = read("trace.json");
    let nodes = Nodes::read(&trace);
    let operations = list(&trace, "operations");
    assert_eq!(operations.len(), 1000);
    block_on(async {
        let mut store = place.fresh().await.unwrap();
        let mut order = Vec::new();
        let mut size = 0;
        let mut state_hash = store.get_state_hash().await.unwrap().to_string();
        for (operation, number) in operations.iter().zip(0..) {
            let given = match perform(&mut store, &nodes, operation, &mut place).await {
                Ok(given) => given,
                Err(error) => Some(error.code().into()),
            };
            assert_eq!(given.as_ref(), operation.get("gives"), "operation {number}: {operation}");
            let after = number + 1;
            if after % place.patience() == 0 {
                store = place.again(store, after % CHECKPOINT == 0).await.unwrap();
            }
            follow(&mut order, &nodes, operation);
            if let Some(hash) = operation.get("state_hash") {
                size = operation["size"].as_u64().unwrap();
                state_hash = hash.as_str().unwrap().to_owned();
            }
            assert_eq!(DagStoreExt::get_state_hash(&store).await.unwrap().to_string(), state_hash);
            let listed: Vec<Cid> = DagStoreExt::list(&store)
                .await
                .unwrap()
                .iter()
                .map(|node| node.cid().unwrap())
                .collect();
            assert_eq!(listed, order, "operation {number}: {operation}");
            assert_eq!(store.len(None).await.unwrap(), size);
        }
        let verified = store.verify().await.unwrap();
        assert_eq!(verified.state_hash.to_string(), state_hash);
    });
}
