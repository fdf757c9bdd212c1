//! A journal in a `PostgreSQL` database.

mod database;
mod failure;
mod listener;
mod options;
mod rows;
mod schema;
mod statements;

use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use deadpool_postgres::Transaction;
use futures::future::{join_all, try_join};
use futures::{FutureExt as _, StreamExt as _};
use tokio::task::AbortHandle;
use tokio_postgres::types::{ToSql, Type};

pub use self::options::PostgresOptions;

use crate::platform::{BoxFuture, BoxStream};
use crate::postgres_journal::database::{Database, read_committed};
use crate::postgres_journal::failure::Failure;
use crate::postgres_journal::listener::Heard;
use crate::postgres_journal::rows::{Rows, Slice, signed};
use crate::postgres_journal::statements as sql;
use crate::{
    Checkpoint, Cid, DagError, Durability, ErrorKind, Journal, Medium, Promises, Result, Segment,
    StateHash, Tip,
};

/// Bytes that one append takes: more than a store makes into one commit.
const MAX_APPEND: u64 = 384 << 20;
/// Bytes of a value at most. Longer segments and parts take several rows.
const PART: usize = 1 << 20;
/// Parts of segments that one statement inserts.
const PARTS: usize = 16;

/// A journal in a `PostgreSQL` database (12 or later), which any number of processes on any machines may write. The
/// npm package's `dag-store/postgres` reads and writes the same tables. Behind the feature `postgres`.
///
/// Each commit is in one transaction with the rows that it means: `nodes`, `edges` and `commits` are tables to be
/// queried by whoever knows SQL, and say what the store says. `docs/postgres.md` has the tables, example queries, the
/// rights that a role needs, and how to use TLS.
///
/// Opened within a tokio runtime, which must go on running; it can be used from any executor after that.
///
/// # Failures
///
/// - What the database could not serialise, and a connection that was gone before the commit, are tried again: 8 times
///   in all, with pauses of 5 seconds at most together.
/// - A connection that dies during the commit is replaced, and the database is asked whether the commit is there. Only
///   where that can't be asked either, the commit is of [`ErrorKind::OutcomeUnknown`].
/// - Errors say what the database said, by its code and message, which may name a role or a table. They have no row in
///   them, nor the address or the password.
///
/// # Examples
///
/// ```no_run
/// # async fn example() -> dag_store::Result<()> {
/// use dag_store::{PostgresOptions, SharedDagStore};
///
/// let options = PostgresOptions::parse("host=/var/run/postgresql user=votes dbname=votes")?;
/// let store = SharedDagStore::open(options.open().await?).await?;
/// # Ok(())
/// # }
/// ```
pub struct PostgresJournal {
    database: Database,
    promises: Promises,
    heard: Arc<Heard>,
    /// What listens, once somebody has asked for that.
    listener: Mutex<Option<AbortHandle>>,
    listen: Box<dyn Fn(Arc<Heard>) -> BoxFuture<'static, ()> + Send + Sync>,
}

/// How an attempt to append ended, where it did not fail.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Appended {
    Yes,
    No,
    /// The connection died during the commit.
    Perhaps,
}

impl PostgresJournal {
    async fn append_within(&self, after: Tip, segments: &[Segment]) -> Result<bool, Failure> {
        let numbers = (1..).map(|place| after.sequence.checked_add(place));
        let Some(last) = segments.last() else {
            return Ok(self.tip().await? == after);
        };
        if !segments.iter().zip(numbers).all(|(it, number)| Some(it.sequence) == number) {
            return Ok(false);
        }
        let rows = Rows::of(segments);
        let doubtful = AtomicBool::new(false);
        let done = self.database.retrying(|| async {
            if doubtful.load(Ordering::Relaxed) && self.is_committed(last).await? {
                return Ok(true);
            }
            doubtful.store(false, Ordering::Relaxed);
            match self.try_to_append(after, last, segments, &rows).await? {
                Appended::Yes => Ok(true),
                Appended::No => Ok(false),
                Appended::Perhaps => {
                    doubtful.store(true, Ordering::Relaxed);
                    Err(Failure { passing: true, ..Failure::from(unknown()) })
                }
            }
        });
        match done.await {
            Err(failure) if doubtful.load(Ordering::Relaxed) => {
                Err(unknown().with_source(failure.error).into())
            }
            done => done,
        }
    }

    async fn try_to_append(
        &self,
        after: Tip,
        last: &Segment,
        segments: &[Segment],
        rows: &Rows,
    ) -> Result<Appended, Failure> {
        let mut client = self.database.client().await?;
        let transaction = read_committed(&mut client).await?;
        let advance = self.database.sql(sql::ADVANCE);
        let (sequence, commit) = (signed(after.sequence), after.commit.map(|cid| cid.to_string()));
        let (next, cid) = (signed(last.sequence), last.commit.to_string());
        let relaxed = self.promises.durability == Durability::Relaxed;
        let settings = [(&relaxed as Value<'_>, Type::BOOL)];
        let advance_by: [(Value<'_>, Type); 4] = [
            (&sequence, Type::INT8),
            (&commit, Type::TEXT),
            (&next, Type::INT8),
            (&cid, Type::TEXT),
        ];
        let (_, advanced) = try_join(
            transaction.execute_typed(sql::SETTINGS, &settings),
            transaction.execute_typed(&advance, &advance_by),
        )
        .await?;
        if advanced == 0 {
            return Ok(Appended::No);
        }
        self.insert(&transaction, segments, rows).await?;
        let news = format!("{} {}", self.database.schema(), last.sequence);
        transaction.execute_typed(sql::NOTIFY, &[(&news, Type::TEXT)]).await?;
        match transaction.commit().await.map_err(Failure::from) {
            Ok(()) => Ok(Appended::Yes),
            Err(failure) if failure.sure => Err(failure),
            Err(_) => Ok(Appended::Perhaps),
        }
    }

    /// Inserts a group, and removes what it removes. The statements are sent one after the other, without waiting for
    /// the answers in between.
    async fn insert(
        &self,
        transaction: &Transaction<'_>,
        segments: &[Segment],
        rows: &Rows,
    ) -> Result<(), Failure> {
        let parts: Vec<_> = segments.iter().flat_map(parts_of).collect();
        let mut sent: Vec<BoxFuture<'_, Result<(), Failure>>> = Vec::new();
        for parts in parts.chunks(PARTS) {
            sent.push(Box::pin(async move {
                let sequence: Vec<_> = parts.iter().map(|part| part.0).collect();
                let place: Vec<_> = parts.iter().map(|part| part.1).collect();
                let commit: Vec<_> = parts.iter().map(|part| part.2.to_string()).collect();
                let bytes: Vec<_> = parts.iter().map(|part| part.3).collect();
                let columns: [(Value<'_>, Type); 4] = [
                    (&sequence, Type::INT8_ARRAY),
                    (&place, Type::INT4_ARRAY),
                    (&commit, Type::TEXT_ARRAY),
                    (&bytes, Type::BYTEA_ARRAY),
                ];
                self.run(transaction, sql::SEGMENTS, &columns).await
            }));
        }
        let commits = &rows.commits;
        sent.push(Box::pin(async move {
            let columns: [(Value<'_>, Type); 6] = [
                (&commits.sequence, Type::INT8_ARRAY),
                (&commits.cid, Type::TEXT_ARRAY),
                (&commits.id, Type::BYTEA_ARRAY),
                (&commits.state_hash, Type::BYTEA_ARRAY),
                (&commits.inserted, Type::INT4_ARRAY),
                (&commits.removed, Type::INT4_ARRAY),
            ];
            self.run(transaction, sql::COMMITS, &columns).await
        }));
        if !rows.removed.is_empty() {
            for statement in [sql::REMOVED_EDGES, sql::REMOVED_NODES] {
                sent.push(Box::pin(async move {
                    self.run(transaction, statement, &[(&rows.removed, Type::TEXT_ARRAY)]).await
                }));
            }
        }
        for slice in &rows.slices {
            sent.push(Box::pin(self.insert_nodes(transaction, slice)));
            if !slice.child.is_empty() {
                sent.push(Box::pin(async move {
                    let columns: [(Value<'_>, Type); 3] = [
                        (&slice.child, Type::TEXT_ARRAY),
                        (&slice.edge, Type::INT4_ARRAY),
                        (&slice.parent, Type::TEXT_ARRAY),
                    ];
                    self.run(transaction, sql::EDGES, &columns).await
                }));
            }
        }
        // After the first failure the others say no more than that there was one.
        join_all(sent).await.into_iter().collect()
    }

    async fn insert_nodes(
        &self,
        transaction: &Transaction<'_>,
        slice: &Slice,
    ) -> Result<(), Failure> {
        let blocks: Vec<&[u8]> = slice.block.iter().map(|block| &**block).collect();
        let columns: [(Value<'_>, Type); 8] = [
            (&slice.cid, Type::TEXT_ARRAY),
            (&slice.sequence, Type::INT8_ARRAY),
            (&slice.place, Type::INT4_ARRAY),
            (&slice.scope, Type::TEXT_ARRAY),
            (&slice.event_type, Type::TEXT_ARRAY),
            (&slice.timestamp, Type::INT8_ARRAY),
            (&blocks, Type::BYTEA_ARRAY),
            (&slice.content, Type::TEXT_ARRAY),
        ];
        self.run(transaction, sql::NODES, &columns).await
    }

    async fn run(
        &self,
        transaction: &Transaction<'_>,
        statement: &str,
        values: &[(Value<'_>, Type)],
    ) -> Result<(), Failure> {
        transaction.execute_typed(&self.database.sql(statement), values).await?;
        Ok(())
    }

    /// Whether a commit that was in doubt has happened, once that can no longer change.
    async fn is_committed(&self, last: &Segment) -> Result<bool, Failure> {
        let mut client = self.database.client().await?;
        let transaction = read_committed(&mut client).await?;
        transaction.execute_typed(sql::SETTINGS, &[(&false, Type::BOOL)]).await?;
        transaction.execute_typed(&self.database.sql(sql::WAIT), &[]).await?;
        let question = self.database.sql(sql::IS_COMMITTED);
        let (sequence, cid) = (signed(last.sequence), last.commit.to_string());
        let values: [(Value<'_>, Type); 2] = [(&sequence, Type::INT8), (&cid, Type::TEXT)];
        Ok(transaction.query_typed_one(&question, &values).await?.try_get(0)?)
    }

    async fn tip(&self) -> Result<Tip, Failure> {
        let client = self.database.client().await?;
        let question = self.database.sql("SELECT sequence, commit FROM dag_store.journal");
        let row = client.query_typed_one(&question, &[]).await?;
        let commit = row.try_get::<_, Option<String>>(1)?.map(|cid| parse(&cid)).transpose()?;
        Ok(Tip { sequence: unsigned(row.try_get(0)?)?, commit })
    }

    async fn try_to_read(&self, after: u64, max_bytes: usize) -> Result<Vec<Segment>, Failure> {
        let client = self.database.client().await?;
        let question = self.database.sql(sql::READ);
        let (from, most) = (signed(after), i64::try_from(max_bytes).unwrap_or(i64::MAX));
        let values: [(Value<'_>, Type); 2] = [(&from, Type::INT8), (&most, Type::INT8)];
        let mut segments: Vec<Segment> = Vec::new();
        for row in client.query_typed(&question, &values).await? {
            let (sequence, bytes) = (unsigned(row.try_get(0)?)?, row.try_get::<_, &[u8]>(2)?);
            if let Some(last) = segments.last_mut().filter(|last| last.sequence == sequence) {
                last.bytes.extend_from_slice(bytes);
            } else {
                let commit = parse(row.try_get(1)?)?;
                segments.push(Segment { sequence, commit, bytes: bytes.to_vec() });
            }
        }
        if segments.first().is_some_and(|first| Some(first.sequence) == after.checked_add(1)) {
            return Ok(segments);
        }
        drop(client);
        match self.try_to_find_checkpoint().await? {
            Some(checkpoint) if after < checkpoint.sequence => Err(compacted().into()),
            _ if segments.is_empty() => Ok(segments),
            _ => Err(corrupt("a segment is missing").into()),
        }
    }

    async fn try_to_find_checkpoint(&self) -> Result<Option<Checkpoint>, Failure> {
        let client = self.database.client().await?;
        let question = self.database.sql(sql::CHECKPOINT);
        let Some(row) = client.query_typed_opt(&question, &[]).await? else { return Ok(None) };
        let hash: [u8; 32] = row
            .try_get::<_, &[u8]>(2)?
            .try_into()
            .map_err(|_| corrupt("the checkpoint's state hash has another length"))?;
        Ok(Some(Checkpoint {
            sequence: unsigned(row.try_get(0)?)?,
            commit: parse(row.try_get(1)?)?,
            state_hash: StateHash::from(hash),
        }))
    }

    async fn try_to_read_part(
        &self,
        checkpoint: Checkpoint,
        part: u64,
    ) -> Result<Option<Vec<u8>>, Failure> {
        let client = self.database.client().await?;
        let question = self.database.sql(sql::CHUNK);
        let (sequence, cid) = (signed(checkpoint.sequence), checkpoint.commit.to_string());
        let values: [(Value<'_>, Type); 3] =
            [(&sequence, Type::INT8), (&signed(part), Type::INT8), (&cid, Type::TEXT)];
        let row = client.query_typed_one(&question, &values).await?;
        if row.try_get(0)? { Ok(row.try_get(1)?) } else { Err(compacted().into()) }
    }

    /// Writes a checkpoint in one transaction, so that nothing is left of one that breaks off.
    async fn try_to_write(
        &self,
        checkpoint: Checkpoint,
        mut parts: BoxStream<'_, Result<Vec<u8>>>,
    ) -> Result<bool, Failure> {
        if self.is_in_force(checkpoint).await? {
            return Ok(false);
        }
        let mut client = self.database.client().await?;
        let transaction = read_committed(&mut client).await?;
        let sequence = signed(checkpoint.sequence);
        let mut number = 0_i64;
        while let Some(part) = parts.next().await {
            for chunk in part?.chunks(PART) {
                let values: [(Value<'_>, Type); 3] =
                    [(&sequence, Type::INT8), (&number, Type::INT8), (&chunk, Type::BYTEA)];
                self.run(&transaction, sql::ADD_CHUNK, &values).await?;
                number += 1;
            }
        }
        transaction.execute_typed(sql::SETTINGS, &[(&false, Type::BOOL)]).await?;
        let (cid, hash) = (checkpoint.commit.to_string(), &checkpoint.state_hash.as_bytes()[..]);
        let values: [(Value<'_>, Type); 3] =
            [(&sequence, Type::INT8), (&cid, Type::TEXT), (&hash, Type::BYTEA)];
        let switch = self.database.sql(sql::SWITCH);
        if transaction.execute_typed(&switch, &values).await? == 0 {
            return Ok(false);
        }
        for statement in [sql::FORGET_CHUNKS, sql::FORGET_SEGMENTS] {
            self.run(&transaction, statement, &[(&sequence, Type::INT8)]).await?;
        }
        transaction.commit().await?;
        Ok(true)
    }

    async fn is_in_force(&self, checkpoint: Checkpoint) -> Result<bool, Failure> {
        let current = self.database.retrying(|| self.try_to_find_checkpoint()).await?;
        Ok(current.is_some_and(|current| current.sequence >= checkpoint.sequence))
    }

    /// Listens from now on, if it didn't.
    fn ensure_listening(&self) {
        let mut listener = self.listener.lock().unwrap_or_else(PoisonError::into_inner);
        if listener.is_none() && !self.database.is_closed() {
            *listener = Some(self.database.spawn((self.listen)(Arc::clone(&self.heard))));
        }
    }

    fn stop_listening(&self) {
        let listener = self.listener.lock().unwrap_or_else(PoisonError::into_inner).take();
        listener.iter().for_each(AbortHandle::abort);
        self.heard.end();
    }
}

impl Journal for PostgresJournal {
    fn promises(&self) -> Promises {
        self.promises
    }

    fn append<'a>(&'a self, after: Tip, segments: &'a [Segment]) -> BoxFuture<'a, Result<bool>> {
        let work = self.append_within(after, segments);
        Box::pin(self.database.within(work).map(told))
    }

    fn read(&self, after: u64, max_bytes: usize) -> BoxFuture<'_, Result<Vec<Segment>>> {
        let work = self.database.retrying(move || self.try_to_read(after, max_bytes));
        Box::pin(self.database.within(work).map(told))
    }

    fn changed(&self, after: u64) -> BoxFuture<'_, Result<()>> {
        Box::pin(async move {
            self.ensure_listening();
            self.heard.after(after).await;
            Ok(())
        })
    }

    fn checkpoint(&self) -> BoxFuture<'_, Result<Option<Checkpoint>>> {
        let work = self.database.retrying(|| self.try_to_find_checkpoint());
        Box::pin(self.database.within(work).map(told))
    }

    fn read_checkpoint(
        &self,
        checkpoint: Checkpoint,
        part: u64,
    ) -> BoxFuture<'_, Result<Option<Vec<u8>>>> {
        let work = self.database.retrying(move || self.try_to_read_part(checkpoint, part));
        Box::pin(self.database.within(work).map(told))
    }

    fn write_checkpoint<'a>(
        &'a self,
        checkpoint: Checkpoint,
        parts: BoxStream<'a, Result<Vec<u8>>>,
    ) -> BoxFuture<'a, Result<bool>> {
        let work = async move {
            match self.try_to_write(checkpoint, parts).await {
                // Somebody else has written the same one meanwhile, or it is there though its acknowledgment isn't.
                Err(failure) => match self.is_in_force(checkpoint).await {
                    Ok(true) => Ok(false),
                    _ => Err(failure),
                },
                done => done,
            }
        };
        Box::pin(self.database.within(work).map(told))
    }

    fn status(&self) -> BoxFuture<'_, Result<Medium>> {
        let work = self.database.retrying(|| async {
            let client = self.database.client().await?;
            let schema = self.database.schema();
            let row = client.query_typed_one(sql::SIZE, &[(&schema, Type::TEXT)]).await?;
            Ok(Medium { bytes_used: Some(unsigned(row.try_get(0)?)?), ..Medium::default() })
        });
        Box::pin(self.database.within(work).map(told))
    }

    fn close(&self) -> BoxFuture<'_, Result<()>> {
        Box::pin(async move {
            self.stop_listening();
            self.database.close();
            Ok(())
        })
    }
}

impl Drop for PostgresJournal {
    fn drop(&mut self) {
        self.stop_listening();
    }
}

/// Without anything of how the database is reached.
impl fmt::Debug for PostgresJournal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let schema = self.database.schema();
        f.debug_struct("PostgresJournal").field("schema", &schema).finish_non_exhaustive()
    }
}

/// A value on its way into a statement.
type Value<'a> = &'a (dyn ToSql + Sync);

/// The rows of a segment: its number, the part's, its commit's CID, and the bytes.
fn parts_of(segment: &Segment) -> impl Iterator<Item = (i64, i32, Cid, &[u8])> {
    // One without bytes has a row too.
    let none = segment.bytes.is_empty().then_some(&[][..]);
    let parts = (0..).zip(segment.bytes.chunks(PART).chain(none));
    parts.map(|(place, bytes)| (signed(segment.sequence), place, segment.commit, bytes))
}

fn told<T>(done: Result<T, Failure>) -> Result<T> {
    done.map_err(|failure| failure.error)
}

fn unsigned(number: i64) -> Result<u64> {
    u64::try_from(number).map_err(|_| corrupt("a number is below zero"))
}

fn parse(cid: &str) -> Result<Cid> {
    cid.parse().map_err(|_| corrupt("a commit's CID can't be read"))
}

fn corrupt(what: &str) -> DagError {
    DagError::new(ErrorKind::Corrupt, format!("the journal's tables are damaged: {what}"))
}

fn compacted() -> DagError {
    let what = "a checkpoint has taken the place of what was asked for";
    DagError::new(ErrorKind::Compacted, what)
}

fn unknown() -> DagError {
    let what = "the connection to the database died during the commit; open the store again, and the \
                commit's id tells whether it happened";
    DagError::new(ErrorKind::OutcomeUnknown, what)
}
