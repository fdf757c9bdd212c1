//! A database: its connections, and the names of a journal's tables in it.

use std::future::{Future, poll_fn};
use std::pin::pin;
use std::time::Duration;

use deadpool_postgres::{
    Client, Manager, ManagerConfig, Pool, RecyclingMethod, Runtime, Transaction,
};
use tokio::runtime::Handle;
use tokio_postgres::tls::{MakeTlsConnect, TlsConnect};
use tokio_postgres::{Config, IsolationLevel, Socket};

use crate::platform;
use crate::postgres_journal::failure::Failure;
use crate::{DagError, ErrorKind, Result};

/// Connections of a journal at most, beside the one that listens. A store asks for one thing at a time, and may
/// ask how its medium does meanwhile.
const CONNECTIONS: usize = 4;
/// How long it may take to get a connection.
const PATIENCE: Duration = Duration::from_secs(10);
/// How often something is tried that may go well the next time; the pauses come to some 5 seconds at most.
const TRIES: u32 = 8;
const SHORTEST_PAUSE: u64 = 50;
const LONGEST_PAUSE: u64 = 2_000;

/// What each statement here calls the schema, whatever its name is.
const SCHEMA: &str = "dag_store.";

pub(super) struct Database {
    pool: Pool,
    runtime: Handle,
    schema: String,
}

impl Database {
    pub(super) fn new<T>(config: &Config, tls: T, schema: String) -> Result<Self>
    where
        T: MakeTlsConnect<Socket> + Clone + Send + Sync + 'static,
        T::Stream: Send + Sync,
        T::TlsConnect: Send + Sync,
        <T::TlsConnect as TlsConnect<Socket>>::Future: Send,
    {
        let runtime = Handle::try_current().map_err(|_| {
            let what = "a PostgreSQL journal is opened within a tokio runtime, which does its I/O";
            DagError::new(ErrorKind::InvalidArgument, what)
        })?;
        // Whether a connection still lives is noticed where it is used, and costs no round trip before.
        let recycling = ManagerConfig { recycling_method: RecyclingMethod::Fast };
        let manager = Manager::from_config(config.clone(), tls, recycling);
        let pool = Pool::builder(manager)
            .max_size(CONNECTIONS)
            .runtime(Runtime::Tokio1)
            .create_timeout(Some(PATIENCE))
            .wait_timeout(Some(PATIENCE))
            .build()
            .map_err(|error| {
                DagError::new(ErrorKind::InvalidArgument, "no pool of connections")
                    .with_source(error.to_string())
            })?;
        Ok(Database { pool, runtime, schema })
    }

    pub(super) fn schema(&self) -> &str {
        &self.schema
    }

    /// A statement, about the tables of this schema. Its name has nothing in it that would need an escape.
    pub(super) fn sql(&self, statement: &str) -> String {
        statement
            .replace(SCHEMA, &format!("\"{}\".", self.schema))
            .replace("CREATE SCHEMA dag_store", &format!("CREATE SCHEMA \"{}\"", self.schema))
    }

    pub(super) async fn client(&self) -> Result<Client, Failure> {
        Ok(self.pool.get().await?)
    }

    /// Does something that may be done again, until it is not for a failure that passes.
    pub(super) async fn retrying<T, F>(&self, mut work: impl FnMut() -> F) -> Result<T, Failure>
    where
        F: Future<Output = Result<T, Failure>>,
    {
        let mut tries = 0;
        loop {
            match work().await {
                Err(failure) if failure.passing && tries + 1 < TRIES => pause(tries).await,
                done => return done,
            }
            tries += 1;
        }
    }

    /// Waits for this, on whichever executor, where the runtime can be found that does the I/O.
    pub(super) async fn within<T>(&self, work: impl Future<Output = T>) -> T {
        let mut work = pin!(work);
        poll_fn(|context| {
            let _entered = self.runtime.enter();
            work.as_mut().poll(context)
        })
        .await
    }

    pub(super) fn spawn(
        &self,
        work: impl Future<Output = ()> + Send + 'static,
    ) -> tokio::task::AbortHandle {
        self.runtime.spawn(work).abort_handle()
    }

    pub(super) fn close(&self) {
        self.pool.close();
    }

    pub(super) fn is_closed(&self) -> bool {
        self.pool.is_closed()
    }
}

/// Waits for a random while, which is longer the more often it was tried.
pub(super) async fn pause(tries: u32) {
    let most = LONGEST_PAUSE.min(SHORTEST_PAUSE << tries.min(10));
    let random = u64::from_le_bytes(platform::random());
    tokio::time::sleep(Duration::from_millis(random % most + 1)).await;
}

/// Begins a transaction. A journal's commits are put in order by the one row that all of them change first, and
/// whoever waited for it sees what the one before has done: at a higher level that would be a failure instead.
pub(super) async fn read_committed(client: &mut Client) -> Result<Transaction<'_>, Failure> {
    let level = IsolationLevel::ReadCommitted;
    Ok(client.build_transaction().isolation_level(level).start().await?)
}
