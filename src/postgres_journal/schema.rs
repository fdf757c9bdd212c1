//! The tables, and how they come to be what this version needs.

use tokio_postgres::GenericClient;
use tokio_postgres::types::Type;

use crate::postgres_journal::database::{Database, read_committed};
use crate::postgres_journal::failure::Failure;
use crate::{DagError, ErrorKind};

/// What each version adds to the one before it. What was released is never changed.
const STEPS: &[&str] = &[include_str!("schema_1.sql")];

const LATEST: usize = STEPS.len();

/// Brings the tables up to this version, where they aren't. Any number of processes may do so at once.
pub(super) async fn migrate(database: &Database) -> Result<(), Failure> {
    let mut client = database.client().await?;
    // Who has no right to make tables has none to lock out others, and needs none where all is there.
    if version(database, &**client).await? == LATEST {
        return Ok(());
    }
    let transaction = read_committed(&mut client).await?;
    let name = database.schema();
    let lock = "SELECT pg_advisory_xact_lock(hashtextextended('dag_store ' || $1, 0))";
    transaction.execute_typed(lock, &[(&name, Type::TEXT)]).await?;
    let there = "SELECT to_regnamespace(quote_ident($1)) IS NOT NULL";
    if !transaction.query_typed_one(there, &[(&name, Type::TEXT)]).await?.try_get::<_, bool>(0)? {
        transaction.batch_execute(&database.sql("CREATE SCHEMA dag_store")).await?;
    }
    let current = version(database, &*transaction).await?;
    if current == 0 {
        let table = "CREATE TABLE dag_store.migrations \
             (version integer PRIMARY KEY, applied_at timestamptz NOT NULL DEFAULT now())";
        transaction.batch_execute(&database.sql(table)).await?;
    }
    for (number, step) in (1_i32..).zip(STEPS).skip(current) {
        transaction.batch_execute(&database.sql(step)).await?;
        let note = database.sql("INSERT INTO dag_store.migrations (version) VALUES ($1)");
        transaction.execute_typed(&note, &[(&number, Type::INT4)]).await?;
    }
    Ok(transaction.commit().await?)
}

/// The version that the tables are of; 0 where there are none.
async fn version(database: &Database, client: &impl GenericClient) -> Result<usize, Failure> {
    let there = "SELECT to_regclass(quote_ident($1) || '.migrations') IS NOT NULL";
    let name = database.schema();
    if !client.query_typed_one(there, &[(&name, Type::TEXT)]).await?.try_get::<_, bool>(0)? {
        return Ok(0);
    }
    let last = database.sql("SELECT coalesce(max(version), 0) FROM dag_store.migrations");
    let last: i32 = client.query_typed_one(&last, &[]).await?.try_get(0)?;
    match usize::try_from(last) {
        Ok(version) if version <= LATEST => Ok(version),
        _ => {
            let what = "the tables are of a later version; update dag-store to use them";
            Err(DagError::new(ErrorKind::UnsupportedVersion, what).into())
        }
    }
}
