//! What the journal in `PostgreSQL` costs, beside `COPY` of the same rows into tables with the same indexes: commits of
//! 1,000 nodes, and of one.
//!
//! ```sh
//! cargo run --release --features postgres --example postgres_costs -- postgres://…
//! ```
//!
//! By turns, 30 times, told as medians. Both are one transaction that the server has on its disk. Makes the schemas `costs`
//! and `costs_copied`, and drops them at the end.

#![allow(clippy::cast_precision_loss, reason = "figures for people")]

use std::error::Error;
use std::io::Cursor;
use std::pin::pin;
use std::time::{Duration, Instant};

use dag_store::{Changes, Cid, DagNode, PostgresOptions, SharedDagStore};
use futures::{SinkExt as _, TryStreamExt as _};
use tokio_postgres::{Client, NoTls};

const RUNS: usize = 30;
const BATCH: usize = 1_000;

/// The tables that a commit adds rows to, and which rows of theirs are the commit's.
const ROWS: [(&str, &str); 4] = [
    ("segments", "sequence = "),
    ("commits", "sequence = "),
    ("nodes", "sequence = "),
    ("edges", "child IN (SELECT cid FROM costs.nodes WHERE sequence = "),
];

type Fallible<T> = Result<T, Box<dyn Error>>;

#[tokio::main]
async fn main() -> Fallible<()> {
    let address = std::env::args().nth(1).ok_or("usage: postgres_costs <connection string>")?;
    let (mut client, connection) = tokio_postgres::connect(&address, NoTls).await?;
    tokio::spawn(connection);
    let journal = PostgresOptions::parse(&address)?.schema("costs")?.open().await?;
    let store = SharedDagStore::open(journal).await?;
    client.batch_execute("CREATE SCHEMA costs_copied").await?;
    for (table, _) in ROWS {
        let like = format!("CREATE TABLE costs_copied.{table} (LIKE costs.{table} INCLUDING ALL)");
        client.batch_execute(&like).await?;
    }
    let mut nodes = Nodes::default();
    for size in [BATCH, 1] {
        let (mut commits, mut copies) = (Vec::new(), Vec::new());
        for _ in 0..RUNS {
            let changes = nodes.take(size)?;
            let start = Instant::now();
            let sequence = store.commit(changes).await?.sequence;
            commits.push(start.elapsed());
            let rows = rows_of(&client, sequence).await?;
            let start = Instant::now();
            copy(&mut client, rows).await?;
            copies.push(start.elapsed());
        }
        let (commit, copy) = (median(commits), median(copies));
        let rate = size as f64 / commit.as_secs_f64();
        let share = 100.0 * copy.as_secs_f64() / commit.as_secs_f64();
        println!(
            "commits of {size:>5}  {commit:>9.2?}  {rate:>7.0} nodes/s  {share:.0} % of COPY, {copy:.2?}"
        );
    }
    store.close().await?;
    client.batch_execute("DROP SCHEMA costs, costs_copied CASCADE").await?;
    Ok(())
}

/// The rows of a commit, table by table, as COPY wants them.
async fn rows_of(client: &Client, sequence: u64) -> Fallible<Vec<Vec<u8>>> {
    let mut rows = Vec::new();
    for (table, which) in ROWS {
        let end = if which.contains('(') { ")" } else { "" };
        let copy = format!(
            "COPY (SELECT * FROM costs.{table} WHERE {which}{sequence}{end}) TO STDOUT (FORMAT binary)"
        );
        let stream = client.copy_out(&copy).await?;
        let parts: Vec<_> = stream.map_ok(|part| part.to_vec()).try_collect().await?;
        rows.push(parts.concat());
    }
    Ok(rows)
}

async fn copy(client: &mut Client, rows: Vec<Vec<u8>>) -> Fallible<()> {
    let transaction = client.transaction().await?;
    for ((table, _), rows) in ROWS.into_iter().zip(rows) {
        let copy = format!("COPY costs_copied.{table} FROM STDIN (FORMAT binary)");
        let mut sink = pin!(transaction.copy_in(&copy).await?);
        sink.send(Cursor::new(rows)).await?;
        sink.finish().await?;
    }
    Ok(transaction.commit().await?)
}

/// Nodes of 200 characters of content, each the child of the one before.
#[derive(Default)]
struct Nodes {
    count: u64,
    last: Option<Cid>,
}

impl Nodes {
    fn take(&mut self, count: usize) -> Fallible<Changes> {
        let mut changes = Changes::new();
        for _ in 0..count {
            self.count += 1;
            let node = DagNode::builder()
                .content(format!("{:0200}", self.count))
                .event_type("vote")
                .scope_id("costs")
                .timestamp(self.count)
                .parents(self.last)
                .build()?;
            self.last = Some(node.cid()?);
            changes.insert(node);
        }
        Ok(changes)
    }
}

fn median(mut times: Vec<Duration>) -> Duration {
    times.sort_unstable();
    times.get(times.len() / 2).copied().unwrap_or_default()
}
