//! Checkpoints: written, read, in force.

use futures::stream;

use super::{JournalLab, checkpoint_bytes, read_all, segments_after};
use crate::conformance::contract;
use crate::conformance::failure::{Outcome, ensure, refused, same};
use crate::{BoxStream, Checkpoint, DagError, ErrorKind, Journal, Result, Segment, StateHash, Tip};

contract! { @ JournalLab;
    /// A checkpoint is read as it was written, however it was cut, and outlives the handle.
    a_checkpoint_is_read_as_it_was_written,
    /// Segments after a checkpoint stay; those before it are there as they were, or `Compacted`.
    segments_after_a_checkpoint_stay,
    /// A checkpoint no later than the one in force changes nothing, and gives false.
    an_earlier_checkpoint_changes_nothing,
    /// A checkpoint whose parts break off changes nothing, and the error is passed on.
    a_checkpoint_that_breaks_off_changes_nothing,
    /// A journal that keeps no checkpoints says so, and has none.
    without_checkpoints_there_are_none,
}

fn checkpoint_at(segment: &Segment) -> Checkpoint {
    let state_hash = StateHash::from([9; 32]);
    Checkpoint { sequence: segment.sequence, commit: segment.commit, state_hash }
}

fn parts(lengths: &[usize]) -> Vec<Vec<u8>> {
    let bytes = |number: usize, length: usize| (0..length).map(move |at| at * 31 + number);
    let part = |(number, length): (usize, &usize)| {
        bytes(number, *length).map(|byte| byte.to_le_bytes()[0]).collect()
    };
    lengths.iter().enumerate().map(part).collect()
}

fn stream_of(parts: &[Vec<u8>]) -> BoxStream<'static, Result<Vec<u8>>> {
    Box::pin(stream::iter(parts.iter().cloned().map(Ok).collect::<Vec<_>>()))
}

async fn a_checkpoint_is_read_as_it_was_written(lab: JournalLab) -> Outcome {
    let ways: [&[usize]; 4] = [&[1], &[10, 0, 20], &[1 << 20, 1 << 20, 1], &[2_500_000, 7]];
    for lengths in ways {
        let (place, journal) = lab.journal().await?;
        if !journal.promises().checkpoints {
            return Ok(());
        }
        let segments = segments_after(Tip::default(), "before", &[(1, 10); 3])?;
        ensure(journal.append(Tip::default(), &segments).await?, "an append at the end fails")?;
        let (checkpoint, parts) = (checkpoint_at(&segments[2]), parts(lengths));
        let written = journal.write_checkpoint(checkpoint, stream_of(&parts)).await?;
        ensure(written, "a first checkpoint does not come into force")?;
        let bytes = parts.concat();
        same("the checkpoint", journal.checkpoint().await?, Some(checkpoint))?;
        ensure(checkpoint_bytes(&*journal).await? == Some(bytes.clone()), "it reads otherwise")?;
        let again = place.again(&journal).await?;
        same("the checkpoint opened anew", again.checkpoint().await?, Some(checkpoint))?;
        ensure(checkpoint_bytes(&*again).await? == Some(bytes), "it reads otherwise")?;
        let other = Checkpoint { sequence: 1, ..checkpoint };
        refused("another", again.read_checkpoint(other, 0).await, ErrorKind::Compacted)?;
        // The journal goes on after it, segments or not.
        same("the segments", again.read(3, 1).await?, vec![])?;
        let wrong = again.append(Tip::default(), &segments[..1]).await?;
        ensure(!wrong, "the journal has forgotten its end")?;
        let next = segments_after(checkpoint.tip(), "after", &[(1, 10)])?;
        ensure(again.append(checkpoint.tip(), &next).await?, "an append at the end fails")?;
        ensure(again.read(3, 1).await? == next, "what comes after a checkpoint is lost")?;
    }
    Ok(())
}

async fn segments_after_a_checkpoint_stay(lab: JournalLab) -> Outcome {
    let (place, journal) = lab.journal().await?;
    if !journal.promises().checkpoints {
        return Ok(());
    }
    let segments = segments_after(Tip::default(), "segment", &[(1, 10); 9])?;
    ensure(journal.append(Tip::default(), &segments).await?, "an append at the end fails")?;
    let parts = parts(&[100]);
    for (sequence, at) in [(4, 3), (7, 6), (9, 8)] {
        let written = journal.write_checkpoint(checkpoint_at(&segments[at]), stream_of(&parts));
        ensure(written.await?, "a later checkpoint does not come into force")?;
        for after in 0..=9_u64 {
            let from = usize::try_from(after).unwrap_or(0);
            match read_all(&*journal, after, 1).await {
                Ok(read) => ensure(read == segments[from..], "other segments than before")?,
                Err(error) => {
                    same("the error", error.kind(), ErrorKind::Compacted)?;
                    ensure(after < sequence, "a segment after the checkpoint is gone")?;
                }
            }
        }
    }
    let again = place.again(&journal).await?;
    ensure(read_all(&*again, 9, 1).await?.is_empty(), "segments come out of nowhere")
}

async fn an_earlier_checkpoint_changes_nothing(lab: JournalLab) -> Outcome {
    let (_, journal) = lab.journal().await?;
    if !journal.promises().checkpoints {
        return Ok(());
    }
    let segments = segments_after(Tip::default(), "segment", &[(1, 10); 5])?;
    ensure(journal.append(Tip::default(), &segments).await?, "an append at the end fails")?;
    let in_force = checkpoint_at(&segments[2]);
    let kept = parts(&[10, 10]);
    ensure(journal.write_checkpoint(in_force, stream_of(&kept)).await?, "it is not in force")?;
    for earlier in &segments[..3] {
        let other = parts(&[30]);
        let written = journal.write_checkpoint(checkpoint_at(earlier), stream_of(&other)).await?;
        ensure(!written, "an earlier checkpoint came into force")?;
        same("the checkpoint", journal.checkpoint().await?, Some(in_force))?;
        ensure(checkpoint_bytes(&*journal).await? == Some(kept.concat()), "it has changed")?;
    }
    ensure(read_all(&*journal, 3, 1).await? == segments[3..], "segments have changed")
}

async fn a_checkpoint_that_breaks_off_changes_nothing(lab: JournalLab) -> Outcome {
    let (place, journal) = lab.journal().await?;
    if !journal.promises().checkpoints {
        return Ok(());
    }
    let segments = segments_after(Tip::default(), "segment", &[(1, 10); 5])?;
    ensure(journal.append(Tip::default(), &segments).await?, "an append at the end fails")?;
    let broken = |lengths: &[usize]| -> BoxStream<'static, Result<Vec<u8>>> {
        let error = DagError::new(ErrorKind::Aborted, "it breaks off on purpose");
        let parts = parts(lengths).into_iter().map(Ok).chain([Err(error)]);
        Box::pin(stream::iter(parts.collect::<Vec<_>>()))
    };
    for (lengths, before) in
        [(&[][..], None), (&[1_000, 2_000_000], Some(checkpoint_at(&segments[1])))]
    {
        if let Some(before) = before {
            let written = journal.write_checkpoint(before, stream_of(&parts(&[50]))).await?;
            ensure(written, "a first checkpoint does not come into force")?;
        }
        let broken = journal.write_checkpoint(checkpoint_at(&segments[3]), broken(lengths)).await;
        refused("a checkpoint that breaks off", broken, ErrorKind::Aborted)?;
        same("the checkpoint", journal.checkpoint().await?, before)?;
        let bytes = before.map(|_| parts(&[50]).concat());
        ensure(checkpoint_bytes(&*journal).await? == bytes, "the checkpoint has changed")?;
        ensure(read_all(&*journal, 2, 1).await? == segments[2..], "segments have changed")?;
    }
    let journal = place.again(&journal).await?;
    ensure(read_all(&*journal, 2, 1).await? == segments[2..], "segments have changed")?;
    let written = journal.write_checkpoint(checkpoint_at(&segments[3]), stream_of(&parts(&[60])));
    ensure(written.await?, "a checkpoint can't be written any more")
}

async fn without_checkpoints_there_are_none(lab: JournalLab) -> Outcome {
    let (_, journal) = lab.journal().await?;
    if journal.promises().checkpoints {
        return Ok(());
    }
    let segments = segments_after(Tip::default(), "segment", &[(1, 10)])?;
    ensure(journal.append(Tip::default(), &segments).await?, "an append at the end fails")?;
    let written = journal.write_checkpoint(checkpoint_at(&segments[0]), stream_of(&parts(&[1])));
    ensure(written.await.is_err(), "a checkpoint was written that was not promised")?;
    same("the checkpoint", journal.checkpoint().await?, None)
}
