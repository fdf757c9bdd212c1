//! Stores whose journal fails, at every call and in every way.

use super::{JournalLab, Place};
use crate::conformance::contract;
use crate::conformance::failure::{Failure, Outcome, ensure, precondition, same};
use crate::conformance::model::hash_of;
use crate::conformance::sample::{chain, cids, inserts, removals, root};
use crate::conformance::{Fault, Faults, FaultyJournal};
use crate::state::State;
use crate::{Changes, CommitId, DagNode, ErrorKind, Result, SharedDagStore, StateHash};

contract! { @ JournalLab;
    /// Whichever call fails, however, once or for good: what was acknowledged is there when the store is
    /// opened anew, whatever is there is a prefix of what was asked for, and ids tell which.
    no_fault_loses_what_was_acknowledged,
    /// The same where a second call fails while the store recovers from the first.
    no_fault_while_recovering_loses_what_was_acknowledged,
}

/// What is asked of a store, in order: some commits, one of which removes, and a checkpoint.
struct Script {
    commits: Vec<(CommitId, Changes)>,
    /// The state hash before the first and after each.
    hashes: Vec<StateHash>,
}

/// After so many commits there is a checkpoint.
const CHECKPOINT_AFTER: usize = 3;

impl Script {
    async fn new() -> Outcome<Self> {
        let nodes = chain("acknowledged", 6)?;
        let goes = root("goes")?;
        let work = vec![
            inserts(&nodes[..2]),
            inserts([&goes]),
            inserts([&nodes[2]]),
            removals([&goes])?,
            inserts(&nodes[3..5]),
            inserts([&goes, &nodes[5]]),
        ];
        let memory = SharedDagStore::new();
        let mut hashes = vec![memory.get_state_hash().await?];
        let mut commits = Vec::new();
        for (number, mut changes) in (1_u8..).zip(work) {
            changes.set_id(CommitId::from([number; 16]));
            memory.commit(changes.clone()).await?;
            hashes.push(memory.get_state_hash().await?);
            commits.push((CommitId::from([number; 16]), changes));
        }
        Ok(Script { commits, hashes })
    }
}

/// What somebody outside knows of a store.
#[derive(Debug, Default)]
struct Known {
    /// How many commits of the script have happened, as far as was acknowledged.
    acknowledged: usize,
    /// Whether the next one may have happened.
    in_doubt: bool,
}

/// Opens the store and goes through the rest of the script, until something fails.
async fn run(
    place: &Place,
    faults: &Faults,
    script: &Script,
    known: &mut Known,
) -> Outcome<Result<()>> {
    let journal = FaultyJournal::new(place.open().await?, faults.clone());
    let store = match SharedDagStore::open(journal).await {
        Ok(store) => store,
        Err(error) => return Ok(Err(error)),
    };
    let result = proceed(&store, script, known).await?;
    // Even this may fail, but must let go of the medium.
    drop(store.close().await);
    Ok(result)
}

async fn proceed(
    store: &SharedDagStore,
    script: &Script,
    known: &mut Known,
) -> Outcome<Result<()>> {
    if let Err(failure) = settle(store, script, known).await? {
        return Ok(Err(failure));
    }
    while let Some((id, changes)) = script.commits.get(known.acknowledged) {
        if known.acknowledged == CHECKPOINT_AFTER
            && let Err(error) = checkpoint(store).await
        {
            // It changes nothing that anybody could see.
            same("the state hash", store.get_state_hash().await?, script.hashes[CHECKPOINT_AFTER])?;
            return Ok(Err(error));
        }
        match store.commit(changes.clone()).await {
            Ok(commit) => {
                known.acknowledged += 1;
                same("the id", commit.id, *id)?;
                let hash = script.hashes[known.acknowledged];
                same("the state hash", commit.state_hash, Some(hash))?;
            }
            Err(error) if error.kind() == ErrorKind::OutcomeUnknown => {
                same("the commit in doubt", error.commit_id(), Some(id))?;
                known.in_doubt = true;
                for refused in [
                    store.len(None).await.map(drop),
                    store.list().await.map(drop),
                    store.commit(Changes::new()).await.map(drop),
                    store.has_commit(id).await.map(drop),
                    store.refresh().await.map(drop),
                ] {
                    let kind = refused.map_err(|error| error.kind());
                    same("a call in doubt", kind, Err(ErrorKind::NeedsReopen))?;
                }
                return Ok(Err(error));
            }
            Err(error) => {
                ensure(error.kind() == ErrorKind::Storage, "a fault comes as another error")?;
                // Nothing has changed, and the store goes on.
                let hash = store.get_state_hash().await?;
                same("the state hash", hash, script.hashes[known.acknowledged])?;
                return Ok(Err(error));
            }
        }
    }
    Ok(Ok(()))
}

async fn checkpoint(store: &SharedDagStore) -> Result<()> {
    if store.status().await?.promises.is_some_and(|promises| promises.checkpoints) {
        store.checkpoint().await?;
    }
    Ok(())
}

/// Finds out what happened of what was in doubt.
async fn settle(store: &SharedDagStore, script: &Script, known: &mut Known) -> Outcome<Result<()>> {
    if known.in_doubt {
        let id = script.commits[known.acknowledged].0;
        match store.has_commit(&id).await {
            Ok(happened) => known.acknowledged += usize::from(happened),
            Err(error) => return Ok(Err(error)),
        }
        known.in_doubt = false;
    }
    same("the commits", store.read(State::sequence).await?, known.acknowledged as u64)?;
    same("the state hash", store.get_state_hash().await?, script.hashes[known.acknowledged])?;
    Ok(Ok(()))
}

/// Opens the store with nothing failing, and checks that it is what it should be; then goes through the
/// rest of the script.
async fn check(place: &Place, script: &Script, known: &mut Known) -> Outcome {
    let store = SharedDagStore::open(place.open().await?).await?;
    match proceed(&store, script, known).await? {
        Ok(()) => {}
        Err(error) => return Err(Failure::new(format!("nothing fails, and yet: {error}"))),
    }
    same("the commits", known.acknowledged, script.commits.len())?;
    let nodes: Vec<DagNode> = store.list().await?;
    same("the state hash", store.get_state_hash().await?, hash_of(&nodes).await?)?;
    for (id, changes) in &script.commits[..CHECKPOINT_AFTER] {
        ensure(store.has_commit(id).await?, "an id is forgotten")?;
        let inserted: Vec<_> = changes.operations().collect();
        precondition(!inserted.is_empty(), "a commit that inserts")?;
    }
    let there = store.has_many(&cids(&nodes)?).await?;
    ensure(there.iter().all(|there| *there), "a node is listed that is not there")?;
    store.close().await?;
    Ok(())
}

/// How many calls it takes when nothing fails.
async fn calls(lab: &JournalLab, script: &Script) -> Outcome<usize> {
    let (place, faults, mut known) = (lab.place(), Faults::new(), Known::default());
    run(&place, &faults, script, &mut known).await??;
    let calls = faults.calls();
    precondition(calls > script.commits.len(), "more calls than commits")?;
    check(&place, script, &mut known).await?;
    Ok(calls)
}

fn ways() -> impl Iterator<Item = (Fault, bool)> {
    Fault::ALL.into_iter().flat_map(|fault| [(fault, false), (fault, true)])
}

async fn no_fault_loses_what_was_acknowledged(lab: JournalLab) -> Outcome {
    let script = Script::new().await?;
    let calls = calls(&lab, &script).await?;
    let mut failed = 0;
    for call in 0..calls {
        for (fault, for_good) in ways() {
            let (place, faults, mut known) = (lab.place(), Faults::new(), Known::default());
            faults.fail_after(call, fault, for_good);
            failed += usize::from(run(&place, &faults, &script, &mut known).await?.is_err());
            check(&place, &script, &mut known).await?;
        }
    }
    precondition(failed > calls, "faults that are seen")
}

async fn no_fault_while_recovering_loses_what_was_acknowledged(lab: JournalLab) -> Outcome {
    /// Where commits are appended; other first faults leave nothing to recover from.
    const FIRST: [usize; 3] = [4, 6, 9];
    let script = Script::new().await?;
    let (mut pairs, mut failed) = (0_usize, 0);
    for call in FIRST {
        for first in Fault::ALL {
            for second_call in 0..8 {
                for (second, for_good) in ways() {
                    pairs += 1;
                    if !pairs.is_multiple_of(lab.stride) {
                        continue;
                    }
                    let (place, faults, mut known) = (lab.place(), Faults::new(), Known::default());
                    faults.fail_after(call, first, true);
                    let broken = run(&place, &faults, &script, &mut known).await?;
                    ensure(broken.is_err(), "a fault for good is not seen")?;
                    faults.fail_after(second_call, second, for_good);
                    let again = run(&place, &faults, &script, &mut known).await?;
                    failed += usize::from(again.is_err());
                    check(&place, &script, &mut known).await?;
                }
            }
        }
    }
    precondition(failed * lab.stride > 100, "second faults that are seen")
}
