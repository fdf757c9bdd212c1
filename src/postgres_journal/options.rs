//! Where a `PostgreSQL` journal is, and how it is to be kept.

use std::fmt;
use std::sync::{Arc, Mutex};

use tokio_postgres::tls::{MakeTlsConnect, TlsConnect};
use tokio_postgres::{Config, NoTls, Socket};

use crate::postgres_journal::database::Database;
use crate::postgres_journal::failure::Failure;
use crate::postgres_journal::listener::{Heard, Listening, listen};
use crate::postgres_journal::{MAX_APPEND, schema, statements as sql};
use crate::{DagError, Durability, ErrorKind, PostgresJournal, Promises, Result, Writers};

/// Bytes of a schema's name at most.
const LONGEST_NAME: usize = 63;

/// Where a [`PostgresJournal`] is, and how it is to be kept.
///
/// # Examples
///
/// ```
/// use dag_store::PostgresOptions;
///
/// let options = PostgresOptions::parse("postgres://app:secret@db.example/votes")?.schema("votes")?;
/// assert!(!format!("{options:?}").contains("secret"));
/// # Ok::<(), dag_store::DagError>(())
/// ```
#[derive(Clone)]
pub struct PostgresOptions {
    config: Config,
    schema: String,
    durability: Durability,
}

impl PostgresOptions {
    /// The database that this says: `postgres://…`, or `host=… user=… dbname=…`, as libpq takes them.
    ///
    /// [`ErrorKind::InvalidArgument`] where it can't be read; the error does not repeat any of it.
    pub fn parse(connection: &str) -> Result<Self> {
        let config = connection.parse::<Config>().map_err(|_| {
            invalid("the connection string can't be read: it is `postgres://…` or `key=value …`")
        })?;
        Ok(config.into())
    }

    /// The schema that the journal's tables are in; `dag_store`, unless given. Each journal has its own.
    ///
    /// [`ErrorKind::InvalidArgument`] unless the name is a small letter, then up to 62 small letters, digits and
    /// underscores, and doesn't begin with `pg_`, which the database keeps to itself.
    pub fn schema(mut self, name: impl Into<String>) -> Result<Self> {
        let name = name.into();
        let is_right = name.len() <= LONGEST_NAME
            && name.starts_with(|first: char| first.is_ascii_lowercase())
            && !name.starts_with("pg_")
            && name.bytes().all(|it| it == b'_' || it.is_ascii_digit() || it.is_ascii_lowercase());
        if !is_right {
            return Err(invalid(
                "the schema's name must be a small letter, then up to 62 small letters, digits and \
                 underscores, and not begin with `pg_`",
            ));
        }
        self.schema = name;
        Ok(self)
    }

    /// What acknowledged commits survive. [`Durability::Strict`], unless given; [`Durability::Relaxed`] commits without
    /// waiting for the server's disk (`synchronous_commit = off`).
    #[must_use]
    pub fn durability(mut self, durability: Durability) -> Self {
        self.durability = durability;
        self
    }

    /// Opens the journal without TLS, and makes its tables where they are missing: for a server on the same machine.
    /// Refused where the connection string says `sslmode=require`.
    ///
    /// [`ErrorKind::UnsupportedVersion`] where the tables are of a later version; [`ErrorKind::InvalidArgument`] outside
    /// of a tokio runtime, and where the database's encoding isn't UTF-8.
    pub async fn open(self) -> Result<PostgresJournal> {
        self.open_with_tls(NoTls).await
    }

    /// Opens the journal with TLS by this connector, such as that of `tokio-postgres-rustls`; as [`open`](Self::open)
    /// in all else. Say `sslmode=require`, or else a server without TLS is taken too.
    pub async fn open_with_tls<T>(self, tls: T) -> Result<PostgresJournal>
    where
        T: MakeTlsConnect<Socket> + Clone + Send + Sync + 'static,
        T::Stream: Send + Sync,
        T::TlsConnect: Send + Sync,
        <T::TlsConnect as TlsConnect<Socket>>::Future: Send,
    {
        let database = Database::new(&self.config, tls.clone(), self.schema.clone())?;
        let last = database.sql(sql::LAST);
        let listening = Listening { config: self.config, tls, schema: self.schema, last };
        let opening = async {
            let is_synced = database.retrying(|| is_synced(&database)).await?;
            database.retrying(|| schema::migrate(&database)).await?;
            Ok::<_, Failure>(is_synced)
        };
        let is_synced = database.within(opening).await.map_err(|failure| failure.error)?;
        let durability = if is_synced { self.durability } else { Durability::Relaxed };
        let promises = Promises::new(durability, Writers::Many)
            .with_watch()
            .with_checkpoints()
            .with_max_append(MAX_APPEND);
        Ok(PostgresJournal {
            database,
            promises,
            heard: Arc::new(Heard::default()),
            listener: Mutex::new(None),
            listen: Box::new(move |heard| Box::pin(listen(listening.clone(), heard))),
        })
    }
}

/// Looks what server it is; whether it syncs its disk at all.
async fn is_synced(database: &Database) -> Result<bool, Failure> {
    let client = database.client().await?;
    let row = client.query_typed_one(sql::SERVER, &[]).await?;
    if row.try_get::<_, &str>(0)? != "UTF8" {
        return Err(invalid("the database's encoding must be UTF8").into());
    }
    Ok(row.try_get(1)?)
}

impl From<Config> for PostgresOptions {
    fn from(config: Config) -> Self {
        let schema = "dag_store".to_owned();
        PostgresOptions { config, schema, durability: Durability::Strict }
    }
}

/// Without anything of how the database is reached.
impl fmt::Debug for PostgresOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PostgresOptions")
            .field("schema", &self.schema)
            .field("durability", &self.durability)
            .finish_non_exhaustive()
    }
}

fn invalid(what: &str) -> DagError {
    DagError::new(ErrorKind::InvalidArgument, what)
}
