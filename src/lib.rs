//! A store for the nodes of a Merkle DAG: events that link to the events they follow from, each named
//! by the hash of its bytes.
//!
//! - A [`DagNode`] is one event, as canonical DAG-CBOR, named by its CID.
//! - A [`DagStore`] keeps nodes. [`SharedDagStore`] is the one in memory; others can stand in its
//!   place wherever an `Arc<dyn DagStore>` is asked for, as a [`Runtime`] does.
//! - A [`DagStoreBatch`] stages inserts and removes, and commits all of them or none.
//! - A [`StateHash`] commits to the set of nodes in a store: whoever has the same nodes has the same
//!   hash, on any storage and in any language, in whatever order they came.
//!
//! ```
//! # futures::executor::block_on(async {
//! use std::sync::Arc;
//! use dag_store::{DagEventType, DagNodeBuilder, DagStoreExt, SharedDagStore};
//!
//! let store = Arc::new(SharedDagStore::new());
//! let node = DagNodeBuilder::new()
//!     .content("node content")
//!     .event_type(DagEventType::Proposal)
//!     .scope_id("test-scope")
//!     .timestamp(0)
//!     .build()?;
//! let id = store.insert(node).await?;
//! println!("{id} makes the state {}", store.get_state_hash().await?);
//! # Ok::<(), dag_store::DagError>(())
//! # }).unwrap();
//! ```
//!
//! The crate runs on any executor. Locks are async-lock's, or tokio's under the feature `tokio`. The
//! bytes of everything are in `docs/spec.md`.

#![cfg_attr(
    js_host,
    allow(clippy::arc_with_non_send_sync, reason = "what is JavaScript's stays on its thread")
)]
#![cfg_attr(
    test,
    allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests may panic")
)]

mod arena;
mod batch;
mod bits;
mod builder;
mod car;
mod cbor;
mod changes;
mod checkpoint;
mod chunked;
mod compare;
mod copy;
mod dag_json;
mod digest;
mod digest_table;
mod durable;
mod error;
mod event_type;
mod export;
#[cfg(threads)]
mod file_journal;
mod gate;
mod graph;
mod history;
mod id;
mod import;
mod journal;
#[cfg(threads)]
mod kv;
mod layout;
mod limits;
mod list;
mod lock;
mod memory_journal;
mod news;
mod node;
mod pace;
mod plan;
mod platform;
#[cfg(all(feature = "postgres", threads))]
mod postgres_journal;
mod proof;
mod runtime;
mod scope;
mod segment;
mod shared;
mod state;
mod state_trie;
mod store;
mod tree;
mod trie;
mod walk;
mod watch;

#[cfg(feature = "conformance")]
pub mod conformance;
#[cfg(all(js_host, feature = "npm"))]
mod wasm;

pub use cid::Cid;
#[doc(inline)]
pub use dag_store_verify as verify;
pub use ipld_core::ipld::Ipld;

pub use batch::DagStoreBatch;
pub use builder::DagNodeBuilder;
pub use changes::{Change, Changes, Commit, CommitId, Condition};
pub use compare::{Compare, Comparison, Difference, Side};
pub use copy::{Copied, CopyTo};
pub use digest::StateHash;
pub use durable::{Open, Opened, Progress, Recovered, Status, recover};
pub use error::{DagError, ErrorKind, Result};
pub use event_type::DagEventType;
pub use export::{CarExport, CarWriter, ExportQuery};
#[cfg(threads)]
pub use file_journal::FileJournal;
pub use id::ToCid;
pub use import::Imported;
pub use journal::{Checkpoint, Durability, Journal, Medium, Promises, Segment, Tip, Writers};
#[cfg(threads)]
pub use kv::{
    KvBatch, KvDagStore, KvEngine, KvOperation, KvSnapshot, MemoryEngine, MemorySnapshot,
};
#[cfg(all(threads, feature = "rocksdb"))]
pub use kv::{RocksEngine, RocksOptions, RocksSnapshot};
pub use limits::Limits;
pub use list::{Cursor, List, ListQuery, Order, Page};
pub use memory_journal::MemoryJournal;
pub use node::DagNode;
pub use platform::{BoxFuture, BoxStream, MaybeSend, MaybeSync};
#[cfg(all(feature = "postgres", threads))]
pub use postgres_journal::{PostgresJournal, PostgresOptions};
pub use proof::{Proof, Span};
pub use runtime::{Runtime, RuntimeContext};
pub use scope::Scope;
pub use shared::SharedDagStore;
pub use store::{DagStore, DagStoreExt, Verified};
pub use tree::{TreeAddress, TreeAnswer, TreePart};
pub use walk::{CidWalk, Diff, Direction, Walk, WalkPage, WalkQuery};
pub use watch::{ChangeKind, CommitFilter, Watch};

/// The snippets of our texts are tests.
#[cfg(doctest)]
mod texts {
    #[doc = include_str!("../README.md")]
    struct Readme;
    #[doc = include_str!("../docs/batches.md")]
    struct Batches;
    #[cfg(feature = "postgres")]
    #[doc = include_str!("../docs/postgres.md")]
    struct Postgres;
    #[doc = include_str!("../docs/replay.md")]
    struct Replay;
    #[doc = include_str!("../docs/start.md")]
    struct Start;
    #[doc = include_str!("../docs/storage.md")]
    struct Storage;
}
