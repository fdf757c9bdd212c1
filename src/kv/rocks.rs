//! `RocksDB` as an engine.

use std::fmt;
use std::ops::{ControlFlow, Range};
use std::path::{Path, PathBuf};

use rocksdb::{
    BlockBasedOptions, Cache, DB, DBCompressionType, DBRecoveryMode, Options, ReadOptions,
    SnapshotWithThreadMode, WriteBatch, WriteOptions,
};

use crate::platform;
use crate::{DagError, Durability, ErrorKind, KvBatch, KvEngine, KvOperation, KvSnapshot, Result};

/// Bits of a Bloom filter for each key: one look in a hundred at a file is in vain.
const FILTER_BITS: f64 = 10.0;
/// How many files are open at once.
const OPEN_FILES: i32 = 512;
/// How many tables in memory there are at once: one that is filled, and one that is written out.
const WRITE_BUFFERS: i32 = 2;
/// How many of its own logs it keeps.
const LOG_FILES: usize = 2;

/// What a [`RocksEngine`] may take, and what it promises.
///
/// # Examples
///
/// ```
/// use dag_store::RocksOptions;
///
/// let options = RocksOptions::default().with_cache_bytes(1 << 30);
/// assert_eq!(options.write_buffer_bytes, 64 << 20);
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct RocksOptions {
    /// Bytes of what was read that are kept in memory, indexes and filters included: 256 MiB unless set.
    pub cache_bytes: usize,
    /// Bytes of what was written that are kept in memory until they are written out in order: 64 MiB
    /// unless set. There are two such buffers.
    pub write_buffer_bytes: usize,
    /// What a commit outlives: a loss of power ([`Durability::Strict`]), unless set.
    pub durability: Durability,
}

impl Default for RocksOptions {
    fn default() -> Self {
        RocksOptions {
            cache_bytes: 256 << 20,
            write_buffer_bytes: 64 << 20,
            durability: Durability::Strict,
        }
    }
}

impl RocksOptions {
    /// The same with another [`cache_bytes`](Self::cache_bytes).
    #[must_use]
    pub fn with_cache_bytes(self, cache_bytes: usize) -> Self {
        RocksOptions { cache_bytes, ..self }
    }

    /// The same with another [`write_buffer_bytes`](Self::write_buffer_bytes).
    #[must_use]
    pub fn with_write_buffer_bytes(self, write_buffer_bytes: usize) -> Self {
        RocksOptions { write_buffer_bytes, ..self }
    }

    /// The same with another [`durability`](Self::durability).
    #[must_use]
    pub fn with_durability(self, durability: Durability) -> Self {
        RocksOptions { durability, ..self }
    }

    fn of_database(&self) -> Options {
        let mut tables = BlockBasedOptions::default();
        tables.set_block_cache(&Cache::new_lru_cache(self.cache_bytes));
        tables.set_bloom_filter(FILTER_BITS, false);
        // Or else they would be kept in memory beside the cache, more of them the larger the store is.
        tables.set_cache_index_and_filter_blocks(true);
        tables.set_pin_l0_filter_and_index_blocks_in_cache(true);
        let mut options = Options::default();
        options.create_if_missing(true);
        options.set_block_based_table_factory(&tables);
        options.set_compression_type(DBCompressionType::Lz4);
        options.set_write_buffer_size(self.write_buffer_bytes);
        options.set_max_write_buffer_number(WRITE_BUFFERS);
        options.set_max_open_files(OPEN_FILES);
        options.set_keep_log_file_num(LOG_FILES);
        // What ends in the midst of a write is taken up to there. Damage anywhere else is refused: it
        // would be the loss of commits that were told.
        options.set_wal_recovery_mode(DBRecoveryMode::TolerateCorruptedTailRecords);
        options
    }
}

/// A `RocksDB` database in a folder of its own, which one store at a time may have open.
///
/// # Examples
///
/// ```no_run
/// # futures::executor::block_on(async {
/// use std::sync::Arc;
/// use dag_store::{DagStore, KvDagStore, RocksEngine};
///
/// let store = Arc::new(KvDagStore::open(RocksEngine::open("data").await?).await?);
/// println!("{} nodes", store.len(None).await?);
/// store.close().await?;
/// # Ok::<(), dag_store::DagError>(())
/// # }).unwrap();
/// ```
pub struct RocksEngine {
    database: DB,
    folder: PathBuf,
    durability: Durability,
}

impl RocksEngine {
    /// Opens the database in this folder, or makes one. [`ErrorKind::Locked`] where it is open already.
    pub async fn open(folder: impl Into<PathBuf>) -> Result<Self> {
        Self::open_with(folder, RocksOptions::default()).await
    }

    /// The same, with these options.
    pub async fn open_with(folder: impl Into<PathBuf>, options: RocksOptions) -> Result<Self> {
        let folder = folder.into();
        platform::unblock(move || {
            let database = DB::open(&options.of_database(), &folder)
                .map_err(|error| not_opened(error, &folder))?;
            Ok(RocksEngine { database, folder, durability: options.durability })
        })
        .await
    }
}

fn not_opened(error: rocksdb::Error, folder: &Path) -> DagError {
    let folder = folder.display();
    // RocksDB has no kind for this: the first is said of another process, the second of this one.
    let is_locked = ["While lock file", "lock hold by current process"];
    if is_locked.iter().any(|said| error.as_ref().contains(said)) {
        let message = format!("the database in {folder} is open elsewhere");
        return DagError::new(ErrorKind::Locked, message).with_source(error);
    }
    let (kind, what) = match error.kind() {
        rocksdb::ErrorKind::Corruption => (ErrorKind::Corrupt, "is damaged"),
        _ => (ErrorKind::Storage, "can't be opened"),
    };
    DagError::new(kind, format!("the database in {folder} {what}")).with_source(error)
}

fn not_read(error: rocksdb::Error) -> DagError {
    let (kind, message) = match error.kind() {
        rocksdb::ErrorKind::Corruption => (ErrorKind::Corrupt, "RocksDB has found damage"),
        _ => (ErrorKind::Storage, "RocksDB could not read"),
    };
    DagError::new(kind, message).with_source(error)
}

impl KvEngine for RocksEngine {
    type Snapshot<'a> = RocksSnapshot<'a>;

    fn snapshot(&self) -> Result<RocksSnapshot<'_>> {
        Ok(RocksSnapshot { snapshot: self.database.snapshot() })
    }

    fn apply(&self, batch: &KvBatch) -> Result<()> {
        // In the order of the keys each is found a place beside the one before.
        let mut operations: Vec<_> = batch.operations().collect();
        operations.sort_unstable_by_key(KvOperation::key);
        let mut writes = WriteBatch::default();
        for operation in operations {
            match operation {
                KvOperation::Put(key, value) => writes.put(key, value),
                KvOperation::Delete(key) => writes.delete(key),
            }
        }
        let mut options = WriteOptions::default();
        options.set_sync(self.durability == Durability::Strict);
        // It may have reached the log even so: nobody knows before that is read again.
        self.database.write_opt(writes, &options).map_err(|error| {
            let message = "RocksDB failed in the midst of a write";
            DagError::new(ErrorKind::OutcomeUnknown, message).with_source(error)
        })
    }
}

impl fmt::Debug for RocksEngine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = f.debug_struct("RocksEngine");
        shown.field("folder", &self.folder).field("durability", &self.durability);
        shown.finish_non_exhaustive()
    }
}

/// What a [`RocksEngine`] held at some moment.
pub struct RocksSnapshot<'a> {
    snapshot: SnapshotWithThreadMode<'a, DB>,
}

impl KvSnapshot for RocksSnapshot<'_> {
    fn get_many(&self, keys: &[&[u8]]) -> Result<Vec<Option<Vec<u8>>>> {
        if let [key] = keys {
            return Ok(vec![self.snapshot.get(key).map_err(not_read)?]);
        }
        let values = self.snapshot.multi_get(keys).into_iter();
        values.map(|value| value.map_err(not_read)).collect()
    }

    fn scan(
        &self,
        range: Range<&[u8]>,
        backwards: bool,
        each: &mut dyn FnMut(&[u8], &[u8]) -> ControlFlow<()>,
    ) -> Result<()> {
        let mut options = ReadOptions::default();
        options.set_iterate_lower_bound(range.start);
        options.set_iterate_upper_bound(range.end);
        let mut entries = self.snapshot.raw_iterator_opt(options);
        if backwards {
            entries.seek_to_last();
        } else {
            entries.seek_to_first();
        }
        while let Some((key, value)) = entries.item() {
            if each(key, value).is_break() {
                return Ok(());
            }
            if backwards {
                entries.prev();
            } else {
                entries.next();
            }
        }
        entries.status().map_err(not_read)
    }
}

impl fmt::Debug for RocksSnapshot<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RocksSnapshot").finish_non_exhaustive()
    }
}
