//! Segments: appended, read, kept.

use std::sync::Arc;

use futures::future::{Either, join_all, select};

use super::{JournalLab, read_all, segments_after};
use crate::conformance::contract;
use crate::conformance::failure::{Outcome, ensure, precondition, same};
use crate::conformance::lab::{cancelled_after, give_way};
use crate::{Journal, Segment, Tip, Writers};

contract! { @ JournalLab;
    /// A new journal is empty: it has no segments and no checkpoint, and ends before the first commit.
    a_new_journal_is_empty,
    /// What was appended is read as it was given, in order, in pages of any size.
    what_was_appended_is_read,
    /// A page holds one segment if there is any, and no more once it has the bytes asked for.
    pages_are_as_large_as_was_asked,
    /// An append after any other commit than the last gives false, and adds nothing.
    an_append_elsewhere_than_at_the_end_adds_nothing,
    /// What was appended is there when the journal is opened anew, and it ends where it did.
    what_was_appended_outlives_the_handle,
    /// An append takes as many bytes as the journal promises.
    an_append_takes_what_was_promised,
    /// Of several appends after the same commit one succeeds, and the others add nothing.
    of_several_appends_one_succeeds,
    /// A journal for one writer is not opened twice to be written by both.
    one_writer_is_one,
    /// Whoever waits for a change hears of it, and at once where it has happened before.
    whoever_waits_hears_of_a_change,
    /// An append that is dropped, at whichever poll, has had its whole effect or none.
    appends_dropped_at_any_poll_are_all_or_nothing,
    /// The journal tells of its medium, and what it knows makes sense.
    the_medium_makes_sense,
}

async fn a_new_journal_is_empty(lab: JournalLab) -> Outcome {
    let (place, journal) = lab.journal().await?;
    same("the segments", journal.read(0, 1).await?, vec![])?;
    same("the checkpoint", journal.checkpoint().await?, None)?;
    let promises = journal.promises();
    same("the promises of another handle", place.again(&journal).await?.promises(), promises)
}

async fn what_was_appended_is_read(lab: JournalLab) -> Outcome {
    let (place, journal) = lab.journal().await?;
    let sizes = [(1, 0), (3, 10), (1, 70_000), (0, 0), (20, 1), (2, 200)];
    let segments = segments_after(Tip::default(), "read", &sizes)?;
    let [first, group, last] = [&segments[..1], &segments[1..5], &segments[5..]];
    let mut tip = Tip::default();
    for group in [first, group, last] {
        ensure(journal.append(tip, group).await?, "an append at the end fails")?;
        tip = group.last().map_or(tip, Segment::tip);
    }
    for journal in [Arc::clone(&journal), place.again(&journal).await?] {
        if journal.promises().writers == Writers::One && journal.read(0, 1).await.is_err() {
            continue; // the first handle, which is closed by now
        }
        for max_bytes in [0, 1, 1_000, 100_000, usize::MAX] {
            let read = read_all(&*journal, 0, max_bytes).await?;
            ensure(read == segments, "what is read is not what was appended")?;
        }
        for after in 0..=6 {
            let read = read_all(&*journal, after, 1_000).await?;
            let at = usize::try_from(after).unwrap_or(0);
            ensure(read == segments[at..], "what is read after a commit is not what follows it")?;
        }
        same("beyond the end", journal.read(6, 1_000).await?, vec![])?;
        same("far beyond the end", journal.read(1_000_000, 1_000).await?, vec![])?;
    }
    Ok(())
}

async fn pages_are_as_large_as_was_asked(lab: JournalLab) -> Outcome {
    let (_, journal) = lab.journal().await?;
    let segments = segments_after(Tip::default(), "page", &[(1, 1_000); 8])?;
    ensure(journal.append(Tip::default(), &segments).await?, "an append at the end fails")?;
    let length = segments[0].bytes.len();
    for (max_bytes, most) in [(0, 1), (1, 1), (length, 2), (3 * length, 4), (100 * length, 8)] {
        let page = journal.read(0, max_bytes).await?.len();
        ensure((1..=most).contains(&page), "a page has more or fewer segments than was asked")?;
    }
    Ok(())
}

async fn an_append_elsewhere_than_at_the_end_adds_nothing(lab: JournalLab) -> Outcome {
    let (_, journal) = lab.journal().await?;
    let segments = segments_after(Tip::default(), "first", &[(1, 1); 3])?;
    let other = segments_after(Tip::default(), "other", &[(1, 1); 3])?;
    let elsewhere = |journal: Arc<dyn Journal>, tips: Vec<Tip>| async move {
        for tip in tips {
            let group = segments_after(tip, "elsewhere", &[(1, 1); 2])?;
            let appended = journal.append(tip, &group).await?;
            ensure(!appended, "an append succeeded elsewhere than at the end")?;
        }
        Outcome::Ok(())
    };
    elsewhere(Arc::clone(&journal), vec![segments[0].tip(), segments[2].tip()]).await?;
    same("what is there", journal.read(0, usize::MAX).await?, vec![])?;
    ensure(journal.append(Tip::default(), &segments).await?, "an append at the end fails")?;
    let tips = vec![Tip::default(), segments[0].tip(), segments[1].tip(), other[2].tip()];
    elsewhere(Arc::clone(&journal), tips).await?;
    ensure(journal.read(0, usize::MAX).await? == segments, "something was added")
}

async fn what_was_appended_outlives_the_handle(lab: JournalLab) -> Outcome {
    let (place, mut journal) = lab.journal().await?;
    let segments = segments_after(Tip::default(), "kept", &[(1, 100); 12])?;
    let mut tip = Tip::default();
    for group in segments.chunks(2) {
        ensure(journal.append(tip, group).await?, "an append at the end fails")?;
        tip = group[1].tip();
        journal.close().await?;
        drop(journal);
        journal = place.open().await?;
        let there = usize::try_from(tip.sequence).unwrap_or(0);
        let read = read_all(&*journal, 0, 1_000).await?;
        ensure(read == segments[..there], "what was appended is not there any more")?;
        ensure(!journal.append(Tip::default(), group).await?, "the journal has forgotten its end")?;
    }
    Ok(())
}

async fn an_append_takes_what_was_promised(lab: JournalLab) -> Outcome {
    const MOST: u64 = 8 << 20;
    let (_, journal) = lab.journal().await?;
    let most = journal.promises().max_append.unwrap_or(MOST).min(MOST);
    let most = usize::try_from(most).unwrap_or(usize::MAX);
    let nodes = most / 500_000 + 1;
    let bare = segments_after(Tip::default(), "large", &[(nodes, 0)])?[0].bytes.len();
    // Lengths take a few bytes more where they are larger.
    let each = (most - bare) / nodes - 12;
    let group = segments_after(Tip::default(), "large", &[(nodes, each)])?;
    let length = group[0].bytes.len();
    precondition(length <= most && length + 20 * nodes > most, "an append of that size")?;
    ensure(journal.append(Tip::default(), &group).await?, "an append at the end fails")?;
    ensure(read_all(&*journal, 0, 1).await? == group, "what is read is not what was appended")
}

async fn of_several_appends_one_succeeds(lab: JournalLab) -> Outcome {
    const WRITERS: usize = 4;
    const COMMITS: usize = 12;
    let (place, journal) = lab.journal().await?;
    if journal.promises().writers == Writers::One {
        return Ok(());
    }
    drop(journal);
    let writers = join_all((0..WRITERS).map(|writer| {
        let place = place.clone();
        async move {
            let journal = place.open().await?;
            let (mut tip, mut mine, mut lost) = (Tip::default(), Vec::new(), 0);
            while mine.len() < COMMITS {
                let group = segments_after(tip, &format!("writer {writer}"), &[(1, 1); 2])?;
                give_way(writer).await;
                if journal.append(tip, &group).await? {
                    tip = group[1].tip();
                    mine.extend(group);
                } else {
                    lost += 1;
                    let later = read_all(&*journal, tip.sequence, 10_000).await?;
                    ensure(!later.is_empty(), "nobody was first, and yet the append failed")?;
                    tip = later.last().map_or(tip, Segment::tip);
                }
            }
            Outcome::Ok((mine, lost))
        }
    }))
    .await;
    let journal = place.open().await?;
    let all = read_all(&*journal, 0, 1_000).await?;
    let mut tip = Tip::default();
    for segment in &all {
        same("the next sequence number", segment.sequence, tip.sequence + 1)?;
        tip = segment.tip();
    }
    let (mut acknowledged, mut conflicts) = (Vec::new(), 0);
    for writer in writers {
        let (mine, lost) = writer?;
        acknowledged.extend(mine);
        conflicts += lost;
    }
    precondition(conflicts > 0, "writers that come in each other's way")?;
    acknowledged.sort_by_key(|segment| segment.sequence);
    ensure(acknowledged == all, "what was acknowledged is not what is there")
}

async fn one_writer_is_one(lab: JournalLab) -> Outcome {
    let (place, journal) = lab.journal().await?;
    if journal.promises().writers != Writers::One {
        return Ok(());
    }
    let [one, two] = ["one", "two"].map(|name| segments_after(Tip::default(), name, &[(1, 1)]));
    let (one, two) = (one?, two?);
    let Ok(second) = place.open().await else { return Ok(()) };
    let taken = matches!(second.append(Tip::default(), &two).await, Ok(true));
    let kept = matches!(journal.append(Tip::default(), &one).await, Ok(true));
    ensure(!(taken && kept), "two handles have both written after the same commit")
}

async fn whoever_waits_hears_of_a_change(lab: JournalLab) -> Outcome {
    let (place, journal) = lab.journal().await?;
    if !journal.promises().watch {
        return Ok(());
    }
    let writer = place.again(&journal).await?;
    let segments = segments_after(Tip::default(), "news", &[(1, 1); 3])?;
    for round in 0..3_usize {
        let tip = round.checked_sub(1).map_or(Tip::default(), |before| segments[before].tip());
        let group = &segments[round..=round];
        let hearing = async {
            // It may be wrong about it, but not for ever.
            while read_all(&*journal, tip.sequence, 1_000).await?.is_empty() {
                journal.changed(tip.sequence).await?;
            }
            Outcome::Ok(())
        };
        let append = async {
            give_way(round * 3).await;
            Outcome::Ok(writer.append(tip, group).await?)
        };
        let hearing = std::pin::pin!(hearing);
        match select(hearing, std::pin::pin!(append)).await {
            Either::Left((heard, append)) => {
                heard?;
                ensure(append.await?, "an append at the end fails")?;
            }
            Either::Right((appended, hearing)) => {
                ensure(appended?, "an append at the end fails")?;
                hearing.await?;
            }
        }
        // Of what has happened before.
        journal.changed(tip.sequence).await?;
    }
    Ok(())
}

async fn appends_dropped_at_any_poll_are_all_or_nothing(lab: JournalLab) -> Outcome {
    let (_, journal) = lab.journal().await?;
    let mut tip = Tip::default();
    for polls in 0..1_000 {
        let group = segments_after(tip, "dropped", &[(1, 100); 3])?;
        let done = cancelled_after(polls, journal.append(tip, &group)).await.transpose()?;
        let there = read_all(&*journal, tip.sequence, usize::MAX).await?;
        ensure(there.is_empty() || there == group, "half of a dropped append took effect")?;
        let marker = segments_after(tip, "marker", &[(1, 1)])?;
        let after = journal.append(tip, &marker).await?;
        let there = read_all(&*journal, tip.sequence, usize::MAX).await?;
        // The dropped one may take effect until another call has come to its end, but not later.
        ensure(there == if after { marker } else { group }, "a dropped append breaks the next")?;
        tip = there.last().map_or(tip, Segment::tip);
        if let Some(done) = done {
            return ensure(done && !after, "an append came to its end without effect");
        }
    }
    ensure(false, "an append never comes to its end")
}

async fn the_medium_makes_sense(lab: JournalLab) -> Outcome {
    let (_, journal) = lab.journal().await?;
    let before = journal.status().await?;
    same("what was cut off a new journal", before.bytes_cut, 0)?;
    let group = segments_after(Tip::default(), "bytes", &[(100, 1_000)])?;
    ensure(journal.append(Tip::default(), &group).await?, "an append at the end fails")?;
    let after = journal.status().await?;
    let quota = after.bytes_quota.unwrap_or(u64::MAX);
    ensure(after.bytes_used.unwrap_or(0) <= quota, "more is used than there may be")
}
