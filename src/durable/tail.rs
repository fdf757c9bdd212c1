//! What a journal holds beyond a state: read, checked, and made part of it.

use futures::future::join;

use super::Durable;
use crate::checkpoint::{self, CheckpointReader};
use crate::pace::{self, Pace};
use crate::segment::{self, Recorded, fault};
use crate::shared::Shared;
use crate::state::{Drafting, Outcome, State};
use crate::{Changes, Checkpoint, DagError, ErrorKind, Journal, Limits, Result, Segment, Tip};

/// Bytes that are read at once, about.
pub(super) const READ: usize = 1 << 20;
/// How often a checkpoint is begun anew because another has taken its place.
const TRIES: usize = 8;

impl Shared {
    /// Takes in all commits after this one, and moves it on; tells how many they were.
    pub(super) async fn catch_up(&self, durable: &Durable, tip: &mut Tip) -> Result<u64> {
        let mut pace = Pace::default();
        let before = tip.sequence;
        if self.state.read().await.is_none() {
            return Err(self.gone());
        }
        loop {
            let segments = match durable.journal.read(tip.sequence, READ).await {
                Err(error) if error.kind() == ErrorKind::Compacted => {
                    let newest = newest_checkpoint(&*durable.journal, &self.limits, &mut pace);
                    let newest = newest.await?;
                    // Never back: then the journal is wrong about what it keeps.
                    let Some((mut state, last)) =
                        newest.filter(|(_, last)| last.sequence > tip.sequence)
                    else {
                        return Err(error);
                    };
                    let mut guard = self.state.write().await;
                    if guard.is_none() {
                        return Err(self.gone());
                    }
                    state.tell_to(&self.news);
                    (*guard, *tip) = (Some(state), last);
                    continue;
                }
                segments => segments?,
            };
            if segments.is_empty() {
                return Ok(tip.sequence - before);
            }
            let decoded = decode(&segments, tip, &self.limits, &mut pace).await;
            let mut guard = self.state.write().await;
            let state = guard.as_mut().ok_or_else(|| self.gone())?;
            replay(state, tip, decoded, &mut pace).await?;
        }
    }
}

/// Segments as far as they are in order, each with the end of the chain after it, and what is wrong
/// with the next.
pub(super) struct Decoded<'a> {
    segments: Vec<(&'a Segment, Recorded)>,
    damage: Option<DagError>,
}

/// Reads segments that come after this commit.
pub(super) async fn decode<'a>(
    segments: &'a [Segment],
    after: &Tip,
    limits: &Limits,
    pace: &mut Pace,
) -> Decoded<'a> {
    let mut decoded = Decoded { segments: Vec::with_capacity(segments.len()), damage: None };
    let mut tip = *after;
    for segment in segments {
        let recorded = match pace.worked(pace::to_hash(segment.bytes.len())).await {
            Ok(()) => segment::read(segment, &tip, limits),
            Err(aborted) => Err(aborted),
        };
        match recorded {
            Ok(recorded) => decoded.segments.push((segment, recorded)),
            Err(error) => {
                decoded.damage = Some(error);
                break;
            }
        }
        tip = segment.tip();
    }
    decoded
}

/// Does what these segments say, and checks that it comes to what they say, the state hash included;
/// all of them as one. Where one is at fault, the state is that before it.
pub(super) async fn replay(
    state: &mut State,
    tip: &mut Tip,
    decoded: Decoded<'_>,
    pace: &mut Pace,
) -> Result<()> {
    let Decoded { mut segments, mut damage } = decoded;
    let draft = loop {
        let mut drafting = Drafting::begin(state, pace).await?;
        let mut fault = None;
        for (at, (segment, recorded)) in segments.iter().enumerate() {
            if let Err(error) = replay_one(&mut drafting, recorded, pace).await {
                fault = Some((at, segment::at_fault(segment, error)));
                break;
            }
        }
        let Some((at, error)) = fault else { break drafting.end() };
        // It may be in the draft by now: once more without it.
        drop(drafting);
        segments.truncate(at);
        damage = Some(error);
    };
    *tip = segments.last().map_or(*tip, |(segment, _)| segment.tip());
    if !draft.is_empty() {
        state.publish(draft, pace, drop).await;
    }
    damage.map_or(Ok(()), Err)
}

async fn replay_one(
    drafting: &mut Drafting<'_>,
    recorded: &Recorded,
    pace: &mut Pace,
) -> Result<()> {
    let Recorded { commit, nodes } = recorded;
    let mut changes = Changes::new();
    changes.set_id(commit.id);
    for node in nodes {
        changes.insert(node.clone());
    }
    for cid in &commit.removed {
        changes.remove(*cid)?;
    }
    match drafting.commit(&changes, pace, u64::MAX, |_, _| 0).await {
        Ok(Outcome::Commit(done)) if done == *commit => Ok(()),
        Ok(Outcome::Commit(done)) if done.state_hash != commit.state_hash => {
            Err(fault("the state hash after it is another than it says").with_commit(commit.id))
        }
        Ok(_) => Err(fault("it does something other than it says").with_commit(commit.id)),
        Err(error) => Err(error.with_commit(commit.id)),
    }
}

/// The state at the checkpoint that is in force, and its commit; `None` where there is no checkpoint.
pub(super) async fn newest_checkpoint(
    journal: &dyn Journal,
    limits: &Limits,
    pace: &mut Pace,
) -> Result<Option<(State, Tip)>> {
    let mut tries = 0;
    loop {
        let Some(checkpoint) = journal.checkpoint().await? else { return Ok(None) };
        let mut reader = CheckpointReader::new(checkpoint, limits);
        match read_checkpoint(journal, &mut reader, pace).await {
            Ok(()) => {
                let state = finish_checkpoint(reader, &checkpoint, pace).await?;
                return Ok(Some((state, checkpoint.tip())));
            }
            Err(error) if error.kind() == ErrorKind::Compacted && tries < TRIES => tries += 1,
            Err(error) => return Err(error),
        }
    }
}

pub(super) async fn read_checkpoint(
    journal: &dyn Journal,
    reader: &mut CheckpointReader,
    pace: &mut Pace,
) -> Result<()> {
    let checkpoint = reader.checkpoint();
    let mut number = 0;
    let mut next = journal.read_checkpoint(checkpoint, number).await;
    while let Some(part) = next? {
        number += 1;
        // The journal reads on while this part is taken in.
        let taken_in = async {
            reader.push(&part)?;
            pace.worked(pace::to_hash(part.len())).await
        };
        let (after, taken_in) = join(journal.read_checkpoint(checkpoint, number), taken_in).await;
        taken_in?;
        next = after;
    }
    Ok(())
}

pub(super) async fn finish_checkpoint(
    reader: CheckpointReader,
    checkpoint: &Checkpoint,
    pace: &mut Pace,
) -> Result<State> {
    let mut state = reader.finish()?;
    if state.state_hash(pace).await? != checkpoint.state_hash {
        let error = fault("the state hash of its nodes is another than it says");
        return Err(checkpoint::at_fault(checkpoint, error));
    }
    Ok(state)
}

#[cfg(test)]
mod tests {
    use futures::executor::block_on;

    use super::*;
    use crate::{Cid, Commit, CommitId, DagNode, MemoryJournal, SharedDagStore, StateHash};

    fn node(content: u64, parents: &[Cid]) -> DagNode {
        let node = DagNode::builder().content(content).parents(parents.to_vec());
        node.event_type("vote").scope_id("garden").timestamp(content).build().unwrap()
    }

    /// A commit of this, whether it makes sense or not, at the end of the journal.
    async fn forge(
        journal: &MemoryJournal,
        inserted: &[DagNode],
        removed: Vec<Cid>,
        state_hash: StateHash,
    ) -> CommitId {
        let segments = journal.read(0, usize::MAX).await.unwrap();
        let tip = segments.last().map(Segment::tip).unwrap_or_default();
        let cids = inserted.iter().map(|node| node.cid().unwrap()).collect();
        let id = CommitId::random();
        let commit = Commit::new(tip.sequence + 1, id, cids, removed).with_state_hash(state_hash);
        let segment = segment::write(&tip, &commit, inserted.iter());
        assert!(journal.append(tip, &[segment]).await.unwrap());
        id
    }

    /// What it is, the nodes that it inserts, those that it removes, the state hash it tells.
    type Lie<'a> = (&'a str, &'a [DagNode], Vec<Cid>, StateHash);

    /// What is well formed, and hashes to what it says, and yet can't be: made by somebody who can hash.
    #[test]
    fn a_commit_that_does_something_other_than_it_says_is_named() {
        block_on(async {
            let a = node(1, &[]);
            let b = node(2, &[a.cid().unwrap()]);
            let c = node(3, &[b.cid().unwrap()]);
            let [a_cid, c_cid] = [&a, &c].map(|node| node.cid().unwrap());
            let all = SharedDagStore::new();
            all.insert_many([a.clone(), b.clone()]).await.unwrap();
            let before = all.get_state_hash().await.unwrap();
            all.insert(c.clone()).await.unwrap();
            let after = all.get_state_hash().await.unwrap();
            let d = node(4, &[node(5, &[]).cid().unwrap()]);
            let lies: [Lie<'_>; 8] = [
                ("a state hash of another state", std::slice::from_ref(&c), vec![], before),
                ("a node that is there", &[c.clone(), a.clone()], vec![], after),
                ("a node twice", &[c.clone(), c.clone()], vec![], after),
                ("a node without its parent", &[c.clone(), d], vec![], after),
                ("the removal of what is not there", &[], vec![c_cid], before),
                ("the removal of a parent", &[], vec![a_cid], before),
                ("a node that comes and goes", std::slice::from_ref(&c), vec![c_cid], before),
                ("nothing", &[], vec![], before),
            ];
            for (what, inserted, removed, hash) in lies {
                let journal = MemoryJournal::new();
                let store = SharedDagStore::open(journal.clone()).await.unwrap();
                store.insert_many([a.clone(), b.clone()]).await.unwrap();
                let id = forge(&journal, inserted, removed, hash).await;
                let error = SharedDagStore::open(journal.clone()).await.expect_err(what);
                assert_eq!(
                    (error.kind(), error.commit_id()),
                    (ErrorKind::Corrupt, Some(&id)),
                    "{what}"
                );
                // Whoever is there already takes nothing of it in, and nothing else.
                let error = store.refresh().await.expect_err(what);
                assert_eq!(
                    (error.kind(), error.commit_id()),
                    (ErrorKind::Corrupt, Some(&id)),
                    "{what}"
                );
                assert_eq!(store.insert(c.clone()).await.unwrap_err().kind(), ErrorKind::Corrupt);
                assert_eq!(store.get_state_hash().await.unwrap(), before, "{what}");
                assert_eq!(store.verify().await.unwrap().nodes, 2);
            }
            // The truth is taken.
            let journal = MemoryJournal::new();
            let store = SharedDagStore::open(journal.clone()).await.unwrap();
            store.insert_many([a, b]).await.unwrap();
            forge(&journal, &[c], vec![], after).await;
            assert_eq!(store.refresh().await.unwrap(), 1);
            assert_eq!(store.get_state_hash().await.unwrap(), after);
        });
    }
}
