//! The journal in a file, from the outside.

#![cfg(not(target_family = "wasm"))]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests may panic")]

mod files;

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

use dag_store::{
    Changes, Checkpoint, DagError, DagNode, ErrorKind, FileJournal, Journal as _, Result, Segment,
    SharedDagStore, StateHash, Tip, ToCid as _,
};
use files::{Scratch, read_on, segment, tip};
use futures::StreamExt as _;
use futures::executor::block_on;
use futures::stream;

/// Bytes of the header, and of a record's head.
const HEADER: usize = 112;
const HEAD: usize = 32;

/// Segments with these numbers, of different lengths.
fn chain(first: u64, last: u64) -> Vec<Segment> {
    let lengths = [40, 0, 1, 300, 77].into_iter().cycle();
    (first..=last).zip(lengths).map(|(sequence, length)| segment(sequence, length)).collect()
}

/// Writes a damaged copy.
fn write(path: &Path, bytes: &[u8]) {
    fs::write(path, bytes).unwrap();
}

async fn read_all(journal: &FileJournal, after: u64) -> Vec<Segment> {
    let (read, end) = read_on(journal, after, 1 << 20).await;
    end.unwrap();
    read
}

async fn append(journal: &FileJournal, after: &[Segment], segments: &[Segment]) {
    assert!(journal.append(tip(after), segments).await.unwrap());
}

fn checkpoint(of: &Segment) -> Checkpoint {
    let number = u8::try_from(of.sequence).unwrap();
    Checkpoint {
        sequence: of.sequence,
        commit: of.commit,
        state_hash: StateHash::from([number; 32]),
    }
}

async fn write_checkpoint(journal: &FileJournal, of: &Segment, parts: &[Vec<u8>]) -> Result<bool> {
    let parts = parts.to_vec();
    journal.write_checkpoint(checkpoint(of), stream::iter(parts).map(Ok).boxed()).await
}

async fn read_checkpoint(journal: &FileJournal, of: &Segment) -> Result<Vec<u8>> {
    let mut all = Vec::new();
    for number in 0.. {
        match journal.read_checkpoint(checkpoint(of), number).await? {
            Some(part) => all.extend(part),
            None => break,
        }
    }
    Ok(all)
}

/// A journal that was written with these groups, and closed.
async fn written(path: &Path, groups: &[&[Segment]]) -> Vec<Segment> {
    let journal = FileJournal::open(path).await.unwrap();
    let mut all = read_all(&journal, 0).await;
    for group in groups {
        append(&journal, &all, group).await;
        all.extend_from_slice(group);
    }
    journal.close().await.unwrap();
    all
}

fn kind<T>(result: Result<T>) -> ErrorKind {
    result.map_or_else(|error| error.kind(), |_| panic!("no error"))
}

#[test]
fn what_was_appended_is_read_in_steps_of_any_size_and_after_reopening() {
    block_on(async {
        let scratch = Scratch::new();
        let path = scratch.path("j");
        let segments = chain(1, 60);
        written(&path, &[&segments[..1], &segments[1..40], &segments[40..41], &segments[41..]])
            .await;
        let journal = FileJournal::open(&path).await.unwrap();
        for step in [0, 1, 41, 500, 1 << 20] {
            for after in [0, 1, 7, 39, 40, 41, 59] {
                let (read, end) = read_on(&journal, after, step).await;
                end.unwrap();
                assert!(read == segments[usize::try_from(after).unwrap()..], "{after}, by {step}");
            }
        }
        assert!(read_all(&journal, 60).await.is_empty());
        assert!(read_all(&journal, 99).await.is_empty());
        journal.close().await.unwrap();
        assert_eq!(scratch.names(), ["j"]);
    });
}

#[test]
fn large_segments_are_read_from_anywhere() {
    block_on(async {
        let scratch = Scratch::new();
        let path = scratch.path("j");
        let segments: Vec<_> =
            (1..=30).map(|it| segment(it, 100_000 * usize::try_from(it % 7).unwrap())).collect();
        let groups: Vec<_> = segments.chunks(4).collect();
        written(&path, &groups).await;
        let journal = FileJournal::open(&path).await.unwrap();
        for after in [29, 0, 14, 3, 27, 28, 2] {
            let (read, end) = read_on(&journal, after, 250_000).await;
            end.unwrap();
            assert!(read == segments[usize::try_from(after).unwrap()..], "after {after}");
        }
    });
}

#[test]
fn an_append_after_another_commit_than_the_last_writes_nothing() {
    block_on(async {
        let scratch = Scratch::new();
        let segments = chain(1, 3);
        let path = scratch.path("j");
        written(&path, &[&segments]).await;
        let before = fs::read(&path).unwrap();
        let journal = FileJournal::open(&path).await.unwrap();
        let rival = segment(9, 40).commit;
        for after in [
            Tip::default(),
            segments[1].tip(),
            segment(4, 40).tip(),
            Tip { sequence: 3, commit: Some(rival) },
            Tip { sequence: 3, commit: None },
        ] {
            let next = segment(after.sequence + 1, 40);
            assert!(!journal.append(after, &[next]).await.unwrap(), "after {after:?}");
        }
        assert!(journal.append(tip(&segments), &[]).await.unwrap(), "nothing is no change");
        for wrong in [&[segment(5, 40)][..], &[segment(4, 40), segment(4, 40)]] {
            assert_eq!(
                kind(journal.append(tip(&segments), wrong).await),
                ErrorKind::InvalidArgument
            );
        }
        assert_eq!(fs::read(&path).unwrap(), before);
        append(&journal, &segments, &chain(4, 6)).await;
        assert_eq!(read_all(&journal, 3).await, chain(4, 6));
    });
}

#[test]
fn a_checkpoint_takes_the_place_of_the_segments_up_to_it() {
    block_on(async {
        let scratch = Scratch::new();
        let path = scratch.path("j");
        let segments = chain(1, 20);
        // The checkpoint's commit is within a group.
        written(&path, &[&segments[..5], &segments[5..12], &segments[12..]]).await;
        let parts = [vec![1; 1000], Vec::new(), vec![2; 3 << 20], vec![3; 20 << 20]];
        let journal = FileJournal::open(&path).await.unwrap();
        assert_eq!(journal.checkpoint().await.unwrap(), None);
        assert!(write_checkpoint(&journal, &segments[8], &parts).await.unwrap());
        for older in [2, 8] {
            assert!(!write_checkpoint(&journal, &segments[older], &parts).await.unwrap());
        }
        append(&journal, &segments, &[segment(21, 40)]).await;
        let mut journal = journal;
        for _ in 0..2 {
            assert_eq!(journal.checkpoint().await.unwrap(), Some(checkpoint(&segments[8])));
            assert!(read_checkpoint(&journal, &segments[8]).await.unwrap() == parts.concat());
            let middle = journal.read_checkpoint(checkpoint(&segments[8]), 2).await.unwrap();
            assert_eq!(middle.map(|part| part[0]), Some(3));
            assert_eq!(read_all(&journal, 9).await[..11], segments[9..]);
            assert_eq!(read_all(&journal, 20).await, [segment(21, 40)]);
            assert_eq!(kind(journal.read(8, 1).await), ErrorKind::Compacted);
            let other = journal.read_checkpoint(checkpoint(&segments[2]), 0).await;
            assert_eq!(kind(other), ErrorKind::Compacted);
            assert_eq!(scratch.names(), ["j", "j.lock"]);
            journal.close().await.unwrap();
            journal = FileJournal::open(&path).await.unwrap();
        }
        // One of the last commit leaves no segments, and the chain goes on.
        let last = segment(21, 40);
        assert!(write_checkpoint(&journal, &last, &[]).await.unwrap());
        assert!(read_all(&journal, 21).await.is_empty());
        append(&journal, &[last], &[segment(22, 40)]).await;
        journal.close().await.unwrap();
        let journal = FileJournal::open(&path).await.unwrap();
        assert_eq!(read_all(&journal, 21).await, [segment(22, 40)]);
    });
}

#[test]
fn a_checkpoint_that_is_not_finished_leaves_what_was_there() {
    block_on(async {
        let scratch = Scratch::new();
        let path = scratch.path("j");
        let segments = written(&path, &[&chain(1, 5)]).await;
        let before = fs::read(&path).unwrap();
        let journal = FileJournal::open(&path).await.unwrap();
        let broken = || Err(DagError::new(ErrorKind::NotFound, "no more"));
        let parts = stream::iter([Ok(vec![1; 9]), broken()]).boxed();
        let result = journal.write_checkpoint(checkpoint(&segments[3]), parts).await;
        assert_eq!(kind(result), ErrorKind::NotFound);
        assert_eq!(scratch.names(), ["j", "j.lock"]);

        // Given up in the midst, and another begun while the first is still held.
        let endless = || stream::once(async { Ok(vec![1; 9]) }).chain(stream::pending()).boxed();
        let mut given_up = journal.write_checkpoint(checkpoint(&segments[3]), endless());
        while !scratch.names().contains(&"j.new".to_owned()) {
            assert!(futures::poll!(&mut given_up).is_pending());
            std::thread::yield_now();
        }
        assert_eq!(fs::read(&path).unwrap(), before);
        drop(given_up);

        // Of a commit that is not there.
        for wrong in [segment(6, 1), segment(0, 1), Segment { sequence: 5, ..segment(6, 1) }] {
            let result = write_checkpoint(&journal, &wrong, &[]).await;
            assert_eq!(kind(result), ErrorKind::InvalidArgument);
        }
        assert_eq!(read_all(&journal, 0).await, segments);
        assert!(write_checkpoint(&journal, &segments[3], &[vec![4; 4]]).await.unwrap());
        assert_eq!(read_checkpoint(&journal, &segments[3]).await.unwrap(), [4; 4]);
    });
}

#[test]
fn what_a_process_that_died_left_behind_is_removed() {
    block_on(async {
        let scratch = Scratch::new();
        write(&scratch.path("j.new"), b"a checkpoint, half of it");
        let journal = FileJournal::open(scratch.path("j")).await.unwrap();
        assert_eq!(scratch.names(), ["j", "j.lock"]);
        append(&journal, &[], &chain(1, 2)).await;
    });
}

#[test]
fn a_journal_has_one_writer_whatever_its_path_is() {
    block_on(async {
        let scratch = Scratch::new();
        let path = scratch.path("j");
        let journal = FileJournal::open(&path).await.unwrap();
        #[cfg(unix)]
        std::os::unix::fs::symlink(&path, scratch.path("link")).unwrap();
        #[cfg(unix)]
        assert_eq!(kind(FileJournal::open(scratch.path("link")).await), ErrorKind::Locked);
        let roundabout = scratch.path(".").join("..").join(path.parent().unwrap()).join("j");
        let error = FileJournal::open(roundabout).await.unwrap_err();
        assert_eq!((error.kind(), error.code()), (ErrorKind::Locked, "ERR_LOCKED"));
        assert!(error.to_string().contains("this process"), "{error}");

        // Reading takes no lock.
        let reader = FileJournal::open_read_only(&path).await.unwrap();
        append(&journal, &[], &chain(1, 2)).await;
        assert!(read_all(&reader, 0).await.is_empty(), "it sees what was there");
        assert_eq!(
            kind(reader.append(Tip::default(), &chain(1, 1)).await),
            ErrorKind::InvalidArgument
        );
        reader.close().await.unwrap();

        journal.close().await.unwrap();
        assert_eq!(kind(journal.read(0, 1).await), ErrorKind::Closed);
        assert_eq!(kind(journal.append(Tip::default(), &chain(1, 1)).await), ErrorKind::Closed);
        // Dropping one gives the lock back too.
        drop(FileJournal::open(&path).await.unwrap());
        drop(FileJournal::open(&path).await.unwrap());
    });
}

#[test]
fn other_files_are_refused_and_left_alone() {
    block_on(async {
        let scratch = Scratch::new();
        let path = scratch.path("j");
        for bytes in [&b""[..], b"hello", &[0; 1000]] {
            write(&path, bytes);
            for result in [FileJournal::open(&path).await, FileJournal::open_read_only(&path).await]
            {
                assert_eq!(kind(result), ErrorKind::Corrupt);
            }
            assert_eq!(fs::read(&path).unwrap(), bytes);
        }
        assert_eq!(scratch.names(), ["j"], "the lock was given back");
        let nowhere = scratch.path("no-folder").join("j");
        assert_eq!(kind(FileJournal::open(&nowhere).await), ErrorKind::Storage);
        assert_eq!(kind(FileJournal::open_read_only(&nowhere).await), ErrorKind::Storage);
    });
}

#[test]
fn a_later_version_is_told_from_damage() {
    block_on(async {
        let scratch = Scratch::new();
        let path = scratch.path("j");
        written(&path, &[]).await;
        let mut bytes = fs::read(&path).unwrap();
        bytes[8] = 2;
        write(&path, &bytes);
        assert_eq!(kind(FileJournal::open(&path).await), ErrorKind::Corrupt);
        let check = crc32(&bytes[..HEADER - 4]);
        bytes[HEADER - 4..].copy_from_slice(&check.to_le_bytes());
        write(&path, &bytes);
        assert_eq!(kind(FileJournal::open(&path).await), ErrorKind::UnsupportedVersion);
    });
}

/// CRC-32, bit by bit.
fn crc32(bytes: &[u8]) -> u32 {
    !bytes.iter().fold(!0, |crc: u32, byte| {
        (0..8).fold(crc ^ u32::from(*byte), |crc, _| {
            (crc >> 1) ^ if crc & 1 == 1 { 0xedb8_8320 } else { 0 }
        })
    })
}

/// A journal of five groups, and where the record of the last one begins.
async fn small(path: &Path, with_checkpoint: bool) -> (Vec<Segment>, Vec<u8>, usize) {
    let segments = chain(1, 9);
    let groups: Vec<_> = segments.chunks(2).collect();
    let (last, rest) = groups.split_last().unwrap();
    written(path, rest).await;
    if with_checkpoint {
        let journal = FileJournal::open(path).await.unwrap();
        let parts = [vec![7; 90], vec![8; 10]];
        assert!(write_checkpoint(&journal, &segments[3], &parts).await.unwrap());
        journal.close().await.unwrap();
    }
    let start = usize::try_from(fs::metadata(path).unwrap().len()).unwrap();
    let journal = FileJournal::open(path).await.unwrap();
    append(&journal, &segments[..8], last).await;
    journal.close().await.unwrap();
    (segments, fs::read(path).unwrap(), start)
}

/// Opens a damaged copy in both ways. What is read is a prefix; and what is missing was told of.
async fn judge(path: &Path, damaged: &[u8], segments: &[Segment], covered: u64) -> Result<usize> {
    write(path, damaged);
    let reader = FileJournal::open_read_only(path).await;
    let salvaged = match &reader {
        Ok(reader) => {
            let (read, end) = read_on(reader, covered, 100).await;
            assert!(segments[usize::try_from(covered).unwrap()..].starts_with(&read));
            Some((read.len(), end.is_ok()))
        }
        Err(error) => {
            assert_eq!(error.kind(), ErrorKind::Corrupt);
            None
        }
    };
    drop(reader);
    assert_eq!(fs::read(path).unwrap(), damaged, "reading changes nothing");
    match FileJournal::open(path).await {
        Ok(journal) => {
            let read = read_all(&journal, covered).await;
            assert_eq!(salvaged, Some((read.len(), true)));
            let cut = journal.status().await.unwrap().bytes_cut;
            let left = fs::metadata(path).unwrap().len();
            assert_eq!(left + cut, damaged.len() as u64);
            // It goes on from there.
            let before = &segments[..usize::try_from(covered).unwrap() + read.len()];
            append(&journal, before, &[segment(before.len() as u64 + 1, 5)]).await;
            journal.close().await?;
            FileJournal::open(path).await?.close().await?;
            Ok(read.len())
        }
        Err(error) => {
            assert_eq!(error.kind(), ErrorKind::Corrupt, "{error:?}");
            assert!(error.offset().is_some(), "{error:?}");
            assert!(salvaged.is_none_or(|(_, whole)| !whole));
            assert_eq!(fs::read(path).unwrap(), damaged, "what is damaged is left alone");
            Err(error)
        }
    }
}

#[test]
fn every_byte_that_changes_is_noticed() {
    block_on(async {
        let scratch = Scratch::new();
        let path = scratch.path("j");
        let (segments, bytes, last) = small(&path, false).await;
        for at in 0..bytes.len() {
            for flip in [0x01, 0xff] {
                let mut damaged = bytes.clone();
                damaged[at] ^= flip;
                let outcome = judge(&path, &damaged, &segments, 0).await;
                // Rot in the last record can't be told from a write that broke off.
                match outcome {
                    Ok(read) => assert!(at >= last && read == 8, "byte {at}"),
                    Err(error) => {
                        assert!(at < last, "byte {at}");
                        let offset = usize::try_from(error.offset().unwrap()).unwrap();
                        assert!(offset <= at && (at < HEADER) == (offset == 0), "byte {at}");
                    }
                }
            }
        }
    });
}

/// Every so many bytes of a large file are damaged; with `test --full` every one.
fn step() -> usize {
    if std::env::var_os("DAG_STORE_FULL").is_some() { 1 } else { 97 }
}

/// Twenty commits of ten nodes each, the state hash before and after each of them, and where in the file each ends.
async fn two_hundred_nodes(path: &Path) -> (Vec<StateHash>, Vec<usize>) {
    let store = SharedDagStore::open(FileJournal::open(path).await.unwrap()).await.unwrap();
    let mut hashes = vec![store.get_state_hash().await.unwrap()];
    let mut ends = vec![usize::try_from(fs::metadata(path).unwrap().len()).unwrap()];
    let mut parents = vec![];
    for commit in 0..20_u64 {
        let mut changes = Changes::new();
        for number in 0..10 {
            let node = DagNode::builder().content(format!("{commit} {number}")).parents(parents);
            let node = node.event_type("vote").scope_id("garden").timestamp(commit).build();
            let node = node.unwrap();
            parents = vec![node.cid().unwrap()];
            changes.insert(node);
        }
        store.commit(changes).await.unwrap();
        hashes.push(store.get_state_hash().await.unwrap());
        ends.push(usize::try_from(fs::metadata(path).unwrap().len()).unwrap());
    }
    store.close().await.unwrap();
    (hashes, ends)
}

/// Opens a damaged file as a store is opened. Gives how many commits there are, which must be the first ones, and whether
/// it was told that something was cut off.
async fn reopened(path: &Path, damaged: &[u8], hashes: &[StateHash]) -> Result<(usize, bool)> {
    write(path, damaged);
    let store = SharedDagStore::open(FileJournal::open(path).await?).await?;
    let commits = usize::try_from(store.sequence().await?).unwrap();
    assert_eq!(store.get_state_hash().await?, hashes[commits]);
    let cut = store.status().await?.medium.bytes_cut;
    store.close().await?;
    Ok((commits, cut > 0))
}

#[test]
fn every_byte_of_a_store_of_two_hundred_nodes_that_changes_is_noticed() {
    block_on(async {
        let scratch = Scratch::new();
        let (sound, path) = (scratch.path("sound"), scratch.path("damaged"));
        let (hashes, ends) = two_hundred_nodes(&sound).await;
        let bytes = fs::read(&sound).unwrap();
        for at in (0..bytes.len()).step_by(step()) {
            let mut damaged = bytes.clone();
            damaged[at] ^= 0x55;
            match reopened(&path, &damaged, &hashes).await {
                // Rot in the last record can't be told from a write that broke off.
                Ok((commits, told)) => {
                    assert!(told && commits == 19 && at >= ends[19], "byte {at}");
                }
                Err(error) => {
                    assert!(at < ends[19], "byte {at}: {error:?}");
                    assert_eq!(error.kind(), ErrorKind::Corrupt, "byte {at}");
                }
            }
        }
    });
}

#[test]
fn whatever_a_store_of_two_hundred_nodes_is_cut_to_what_is_left_are_its_first_commits() {
    block_on(async {
        let scratch = Scratch::new();
        let (sound, path) = (scratch.path("sound"), scratch.path("cut"));
        let (hashes, ends) = two_hundred_nodes(&sound).await;
        let bytes = fs::read(&sound).unwrap();
        for length in (0..=bytes.len()).step_by(step()).chain(ends.clone()) {
            let whole = ends.iter().filter(|end| **end <= length).count();
            match reopened(&path, &bytes[..length], &hashes).await {
                Ok((commits, told)) => {
                    assert_eq!(commits + 1, whole, "{length} bytes");
                    assert_eq!(told, !ends.contains(&length), "{length} bytes");
                }
                // Not even the header is whole.
                Err(error) => {
                    assert!(whole == 0, "{length} bytes: {error:?}");
                    assert_eq!(error.kind(), ErrorKind::Corrupt, "{length} bytes");
                }
            }
        }
    });
}

#[test]
fn every_byte_of_a_checkpoint_that_changes_is_noticed() {
    block_on(async {
        let scratch = Scratch::new();
        let path = scratch.path("j");
        let (segments, bytes, last) = small(&path, true).await;
        let end = HEADER + 2 * HEAD + 100;
        for at in 0..bytes.len() {
            let mut damaged = bytes.clone();
            damaged[at] ^= 0x10;
            if (HEADER..end).contains(&at) {
                // Seen when it is read.
                write(&path, &damaged);
                let journal = FileJournal::open(&path).await.unwrap();
                let error = read_checkpoint(&journal, &segments[3]).await.unwrap_err();
                assert_eq!(error.kind(), ErrorKind::Corrupt);
                assert!(error.offset().unwrap() <= at as u64);
            } else {
                let outcome = judge(&path, &damaged, &segments, 4).await;
                assert_eq!(outcome.is_ok(), at >= last, "byte {at}");
            }
        }
    });
}

#[test]
fn whatever_the_end_is_cut_to_what_is_left_is_a_prefix_or_refused() {
    block_on(async {
        for with_checkpoint in [false, true] {
            let scratch = Scratch::new();
            let path = scratch.path("j");
            let (segments, bytes, _) = small(&path, with_checkpoint).await;
            let (start, covered) =
                if with_checkpoint { (HEADER + 2 * HEAD + 100, 4) } else { (HEADER, 0) };
            for length in 0..=bytes.len() {
                let outcome = judge(&path, &bytes[..length], &segments, covered).await;
                assert_eq!(outcome.is_ok(), length >= start, "{length} bytes");
            }
        }
    });
}

#[test]
fn whatever_a_write_that_broke_off_left_is_cut_off() {
    block_on(async {
        let scratch = Scratch::new();
        let path = scratch.path("j");
        let (segments, bytes, last) = small(&path, false).await;
        let (sound, torn) = bytes.split_at(last);
        // Pages of the write that never came, as zeros; and more zeros, which some file systems leave.
        let zeros = |from: usize, to: usize| {
            let mut torn = torn.to_vec();
            torn[from..to].fill(0);
            torn
        };
        // What looks like records of this journal, but comes before the one that is missing.
        let earlier = &sound[HEADER..];
        for torn in [
            zeros(0, HEAD),
            zeros(HEAD, torn.len() - 1),
            zeros(0, torn.len()),
            [&zeros(0, HEAD)[..], &[0; 5000]].concat(),
            [&zeros(0, HEAD)[..], earlier].concat(),
        ] {
            let damaged = [sound, &torn].concat();
            assert_eq!(judge(&path, &damaged, &segments, 0).await.unwrap(), 8);
        }
    });
}

#[test]
fn damage_before_a_write_that_broke_off_is_damage() {
    block_on(async {
        let scratch = Scratch::new();
        let path = scratch.path("j");
        let (segments, bytes, last) = small(&path, false).await;
        let mut damaged = bytes[..=last + HEAD].to_vec();
        damaged[last - 1] ^= 1;
        let error = judge(&path, &damaged, &segments, 0).await.unwrap_err();
        assert!(usize::try_from(error.offset().unwrap()).unwrap() < last);
    });
}

#[test]
fn records_that_are_missing_or_out_of_order_are_damage() {
    block_on(async {
        let scratch = Scratch::new();
        let path = scratch.path("j");
        let (segments, bytes, last) = small(&path, false).await;
        // Each group but the last has two segments of these lengths.
        let group = |first: usize| {
            HEAD + segments[first..first + 2].iter().map(|it| 40 + it.bytes.len()).sum::<usize>()
        };
        let second = HEADER + group(0);
        let third = second + group(2);
        let without_second = [&bytes[..second], &bytes[third..]].concat();
        let without_first = [&bytes[..HEADER], &bytes[second..]].concat();
        let last_first = [&bytes[..HEADER], &bytes[last..], &bytes[HEADER..last]].concat();
        for damaged in [without_second, without_first, last_first] {
            assert_eq!(kind(judge(&path, &damaged, &segments, 0).await), ErrorKind::Corrupt);
        }
        // Nothing is missing where the last one is repeated: it is cut off.
        let repeated = [&bytes[..], &bytes[last..]].concat();
        assert_eq!(judge(&path, &repeated, &segments, 0).await.unwrap(), 9);
    });
}

#[test]
fn a_journal_of_a_process_that_was_killed_opens() {
    block_on(async {
        let scratch = Scratch::new();
        let path = scratch.path("j");
        let journal = FileJournal::open(&path).await.unwrap();
        append(&journal, &[], &chain(1, 3)).await;
        // A lock that names a process which is gone, in the words of this one's.
        let lock = fs::read_to_string(scratch.path("j.lock")).unwrap();
        journal.close().await.unwrap();
        let mut child = Command::new("cat").stdin(Stdio::piped()).spawn().unwrap();
        child.kill().unwrap();
        child.wait().unwrap();
        let own = format!("pid={}\n", std::process::id());
        assert!(lock.contains(&own), "{lock}");
        let dead = lock.replace(&own, &format!("pid={}\n", child.id()));
        fs::write(scratch.path("j.lock"), dead).unwrap();
        let journal = FileJournal::open(&path).await.unwrap();
        assert_eq!(read_all(&journal, 0).await, chain(1, 3));
        journal.close().await.unwrap();
        assert_eq!(scratch.names(), ["j"]);
    });
}

/// The steps of the vectors, which the npm package's tests take too.
#[test]
fn files_are_as_specified_byte_by_byte() {
    let hex = |value: &serde_json::Value| hex::decode(value.as_str().unwrap()).unwrap();
    let named = |value: &serde_json::Value| {
        let commit = hex(&value["commit"]).to_cid().unwrap();
        (value["sequence"].as_u64().unwrap(), commit)
    };
    let text = include_str!("../docs/vectors/journal-file.json");
    let vectors: serde_json::Value = serde_json::from_str(text).unwrap();
    let steps = vectors["steps"].as_array().unwrap();
    block_on(async {
        let scratch = Scratch::new();
        let path = scratch.path("j");
        write(&path, &hex(&steps[0]["file"]));
        let (mut all, mut covered) = (Vec::new(), 0);
        for step in &steps[1..] {
            let journal = FileJournal::open(&path).await.unwrap();
            if let Some(group) = step["append"].as_array() {
                let group: Vec<_> = group
                    .iter()
                    .map(|it| {
                        let (sequence, commit) = named(it);
                        Segment { sequence, commit, bytes: hex(&it["bytes"]) }
                    })
                    .collect();
                append(&journal, &all, &group).await;
                all.extend(group);
            } else {
                let (sequence, commit) = named(&step["checkpoint"]);
                let state: [u8; 32] = hex(&step["checkpoint"]["stateHash"]).try_into().unwrap();
                let checkpoint = Checkpoint { sequence, commit, state_hash: state.into() };
                let parts: Vec<_> = step["parts"].as_array().unwrap().iter().map(hex).collect();
                let stream = stream::iter(parts.clone()).map(Ok).boxed();
                assert!(journal.write_checkpoint(checkpoint, stream).await.unwrap());
                covered = sequence;
                journal.close().await.unwrap();
                let journal = FileJournal::open(&path).await.unwrap();
                assert_eq!(journal.checkpoint().await.unwrap(), Some(checkpoint));
                for (number, part) in (0..).zip(parts.iter().map(Some).chain([None])) {
                    let read = journal.read_checkpoint(checkpoint, number).await.unwrap();
                    assert_eq!(read.as_ref(), part);
                }
            }
            journal.close().await.ok();
            assert!(fs::read(&path).unwrap() == hex(&step["file"]), "{}", step["name"]);
            let reader = FileJournal::open_read_only(&path).await.unwrap();
            assert_eq!(read_all(&reader, covered).await, all[usize::try_from(covered).unwrap()..]);
        }
        assert_eq!(all.len(), 5);
    });
}
