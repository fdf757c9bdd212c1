//! Commits to a journal file until it is killed, and says what was acknowledged; or looks what is there.
//!
//! `kill_worker commit PATH` prints `open N`, where N is the last commit that it found, then `ack N HASH` for
//! each of its own. `kill_worker check PATH` changes nothing, and prints `state N HASH` for each commit up to the
//! last one that is there, worked out without the file, after it has compared the last with what is in it.
//! `js-tests/kill/` has its twin in JavaScript, and what kills both.

mod history;
mod witness;

use std::error::Error;

use dag_store::{FileJournal, SharedDagStore};
use futures::executor::block_on;
use futures::future::join_all;
use history::History;
use witness::say;

/// How many commits wait together.
const GROUP: u64 = 4;
/// How often there is a checkpoint.
const CHECKPOINT: u64 = 40;

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    match (arguments.next().as_deref(), arguments.next()) {
        (Some("commit"), Some(path)) => block_on(commit(&path)),
        (Some("check"), Some(path)) => block_on(check(&path)),
        _ => Err("usage: kill_worker commit|check <journal>".into()),
    }
}

async fn commit(path: &str) -> Result<(), Box<dyn Error>> {
    let store = SharedDagStore::open(FileJournal::open(path).await?).await?;
    let mut last = store.opened().map_or(0, |opened| opened.sequence);
    say(&format!("open {last}"))?;
    let mut history = History::up_to(last)?;
    loop {
        let mut group = Vec::new();
        for number in last + 1..=last + GROUP {
            let (store, changes) = (store.clone(), history.next()?);
            group.push(async move {
                let commit = store.commit(changes).await?;
                let hash = commit.state_hash.ok_or("no state hash")?;
                if commit.sequence != number {
                    return Err(format!("commit {number} became {}", commit.sequence).into());
                }
                say(&format!("ack {number} {hash}"))
            });
        }
        last += GROUP;
        let checkpoint = async {
            if last.is_multiple_of(CHECKPOINT) {
                store.checkpoint().await?;
            }
            Ok(())
        };
        let (group, checkpoint) = futures::join!(join_all(group), checkpoint);
        let group: Result<Vec<()>, Box<dyn Error>> = group.into_iter().collect();
        let checkpoint: Result<(), Box<dyn Error>> = checkpoint;
        group?;
        checkpoint?;
    }
}

async fn check(path: &str) -> Result<(), Box<dyn Error>> {
    let store = SharedDagStore::open(FileJournal::open_read_only(path).await?).await?;
    witness::check(&store, path).await
}
