//! What processes that are killed say, and what those say that look afterwards.

use std::error::Error;
use std::io::{Write as _, stdout};

use dag_store::{DagStore, SharedDagStore};

use crate::history::History;

/// A line that is out before anything else happens.
pub(crate) fn say(line: &str) -> Result<(), Box<dyn Error>> {
    let mut out = stdout().lock();
    writeln!(out, "{line}")?;
    Ok(out.flush()?)
}

/// Says `state N HASH` for each commit up to the last one that is there, worked out without the store,
/// after it has compared the last with what is there.
pub(crate) async fn check(store: &dyn DagStore, place: &str) -> Result<(), Box<dyn Error>> {
    let last = store.sequence().await?;
    let model = SharedDagStore::new();
    let mut history = History::up_to(0)?;
    for number in 1..=last {
        model.commit(history.next()?).await?;
        say(&format!("state {number} {}", model.get_state_hash().await?))?;
    }
    store.verify().await?;
    if store.state_hash(None).await? != model.get_state_hash().await? {
        return Err(format!("{place} does not hold what commit {last} left").into());
    }
    Ok(())
}
