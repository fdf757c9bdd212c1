//! Journals as they are kept: the fixtures of `docs/vectors/journal.json`, damage of every kind, and the
//! golden trace through closing and opening.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]

#[path = "reference/files.rs"]
mod files;

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

use dag_store::{
    BoxFuture, Changes, Checkpoint, Cid, CommitId, DagError, DagNode, Durability, ErrorKind,
    Journal, MemoryJournal, Promises, Result, Segment, SharedDagStore, Tip, Writers, recover,
};
use files::{list, read, text};
use futures::StreamExt as _;
use futures::executor::block_on;
use serde_json::{Value, json};

/// A node whose content is this.
fn node(content: &str, parents: Vec<Cid>, scope_id: &str, timestamp: u64) -> DagNode {
    let node = DagNode::builder().content(content).parents(parents).event_type("vote");
    node.scope_id(scope_id).timestamp(timestamp).build().unwrap()
}

/// Commits of which all that a segment can say is said: the first; several parents and scopes; removing
/// alone, and together with inserting; inserting what was removed. Every id is given.
async fn write(store: &SharedDagStore) -> Vec<SharedDagStore> {
    let first = node("first", vec![], "garden", 1);
    let mut nodes = vec![first];
    for number in 1..12_u64 {
        let parents = nodes.iter().rev().take(2).map(|node| node.cid().unwrap()).collect();
        let scope = ["garden", "küche", "assembly"][usize::try_from(number % 3).unwrap()];
        nodes.push(node(&format!("number {number}"), parents, scope, 1_000 - number));
    }
    let last = nodes[11].cid().unwrap();
    let steps: [(&[usize], bool); 6] = [
        (&[0], false),
        (&[1, 2, 3], false),
        (&[9, 8, 7, 6, 5, 4], false),
        (&[10, 11], false),
        (&[], true),
        (&[11], false),
    ];
    let mut after = Vec::new();
    for (number, (inserted, removes)) in (1_u8..).zip(steps) {
        let mut changes = Changes::new();
        changes.set_id(CommitId::from([number; 16]));
        for at in inserted {
            changes.insert(nodes[*at].clone());
        }
        if removes {
            changes.remove(last).unwrap();
        }
        store.commit(changes).await.unwrap();
        let copy = SharedDagStore::new();
        copy.insert_many(store.list().await.unwrap()).await.unwrap();
        after.push(copy);
    }
    after
}

async fn segments(journal: &MemoryJournal) -> Vec<Segment> {
    journal.read(0, usize::MAX).await.unwrap()
}

async fn checkpoint(journal: &MemoryJournal) -> (Checkpoint, Vec<u8>) {
    let checkpoint = journal.checkpoint().await.unwrap().unwrap();
    let mut bytes = Vec::new();
    let mut number = 0;
    while let Some(part) = journal.read_checkpoint(checkpoint, number).await.unwrap() {
        bytes.extend(part);
        number += 1;
    }
    (checkpoint, bytes)
}

/// A journal that gives these, whatever they are, and takes nothing.
#[derive(Clone, Debug, Default)]
struct Given {
    segments: Arc<Mutex<Vec<Segment>>>,
    checkpoint: Option<(Checkpoint, Arc<Vec<u8>>)>,
}

impl Given {
    fn segments(segments: Vec<Segment>) -> Self {
        Given { segments: Arc::new(Mutex::new(segments)), checkpoint: None }
    }
}

impl Journal for Given {
    fn promises(&self) -> Promises {
        Promises::new(Durability::Relaxed, Writers::Many)
    }

    fn append<'a>(&'a self, _: Tip, _: &'a [Segment]) -> BoxFuture<'a, Result<bool>> {
        Box::pin(async { Ok(false) })
    }

    fn read(&self, after: u64, max_bytes: usize) -> BoxFuture<'_, Result<Vec<Segment>>> {
        let mut left = max_bytes.max(1);
        let segments = self.segments.lock().unwrap();
        let later = segments.iter().filter(|segment| segment.sequence > after);
        let page = later.take_while(|segment| {
            let fits = left > 0;
            left = left.saturating_sub(segment.bytes.len());
            fits
        });
        let page = page.cloned().collect();
        drop(segments);
        Box::pin(async { Ok(page) })
    }

    fn checkpoint(&self) -> BoxFuture<'_, Result<Option<Checkpoint>>> {
        Box::pin(async { Ok(self.checkpoint.as_ref().map(|(checkpoint, _)| *checkpoint)) })
    }

    /// In parts of an odd length.
    fn read_checkpoint(&self, _: Checkpoint, part: u64) -> BoxFuture<'_, Result<Option<Vec<u8>>>> {
        let (_, bytes) = self.checkpoint.as_ref().expect("there is a checkpoint");
        let part = bytes.chunks(997).nth(usize::try_from(part).unwrap()).map(<[u8]>::to_vec);
        Box::pin(async { Ok(part) })
    }
}

fn hex(value: &Value, key: &str) -> Vec<u8> {
    hex::decode(text(value, key)).unwrap()
}

fn describe(segment: &Segment) -> Value {
    json!({
        "sequence": segment.sequence,
        "commit": segment.commit.to_string(),
        "car": hex::encode(&segment.bytes),
    })
}

/// What the fixtures say of a journal: made anew, they are the same; and they are opened.
///
/// `DAG_STORE_WRITE_VECTORS=1` writes what is missing; what is there is never changed, since later
/// versions must still open it.
#[test]
fn the_fixtures_are_written_and_opened() {
    let vectors = block_on(async {
        let journal = MemoryJournal::new();
        let store = SharedDagStore::open(journal.clone()).await.unwrap();
        let after = write(&store).await;
        let mut commits = Vec::new();
        for (segment, state) in segments(&journal).await.iter().zip(&after) {
            let mut commit = describe(segment);
            commit["state_hash"] = state.get_state_hash().await.unwrap().to_string().into();
            commits.push(commit);
        }
        let order: Vec<Value> = store
            .list()
            .await
            .unwrap()
            .iter()
            .map(|node| node.cid().unwrap().to_string().into())
            .collect();
        assert!(store.checkpoint().await.unwrap());
        let (checkpoint, bytes) = checkpoint(&journal).await;
        json!({
            "commits": commits,
            "order": order,
            "checkpoint": {
                "sequence": checkpoint.sequence,
                "commit": checkpoint.commit.to_string(),
                "state_hash": checkpoint.state_hash.to_string(),
                "car": hex::encode(bytes),
            },
        })
    });
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/vectors/journal.json");
    if std::env::var_os("DAG_STORE_WRITE_VECTORS").is_some() && !std::path::Path::new(path).exists()
    {
        std::fs::write(path, format!("{vectors:#}\n")).unwrap();
    }
    let kept = read("journal.json");
    assert_eq!(kept, vectors);

    block_on(async {
        let segments: Vec<Segment> = list(&kept, "commits")
            .iter()
            .map(|commit| Segment {
                sequence: commit["sequence"].as_u64().unwrap(),
                commit: text(commit, "commit").parse().unwrap(),
                bytes: hex(commit, "car"),
            })
            .collect();
        for (count, commit) in (1..).zip(list(&kept, "commits")) {
            let journal = Given::segments(segments[..count].to_vec());
            let store = SharedDagStore::open(journal).await.unwrap();
            let hash = store.get_state_hash().await.unwrap().to_string();
            assert_eq!(hash, text(commit, "state_hash"));
        }
        let order = list(&kept, "order");
        let given = &kept["checkpoint"];
        let checkpoint = Checkpoint {
            sequence: given["sequence"].as_u64().unwrap(),
            commit: text(given, "commit").parse().unwrap(),
            state_hash: text(given, "state_hash").parse().unwrap(),
        };
        let from_checkpoint = Given {
            segments: Arc::default(),
            checkpoint: Some((checkpoint, Arc::new(hex(given, "car")))),
        };
        for journal in [Given::segments(segments), from_checkpoint] {
            let store = SharedDagStore::open(journal).await.unwrap();
            let listed = store.list().await.unwrap();
            assert!(
                listed
                    .iter()
                    .map(|node| node.cid().unwrap().to_string())
                    .eq(order.iter().map(|cid| cid.as_str().unwrap()))
            );
            let hash = store.get_state_hash().await.unwrap().to_string();
            assert_eq!(hash, text(given, "state_hash"));
            assert!(store.has_commit(&CommitId::from([3; 16])).await.unwrap());
            store.verify().await.unwrap();
        }
    });
}

/// Opens what is damaged in its last segment, after so many that are not: refused, and named; and what
/// comes before it is recovered.
async fn is_found(good: &[Segment], damaged: Segment, what: &str) {
    let name = damaged.commit;
    let journal = Given::segments(good.iter().cloned().chain([damaged]).collect());
    let error = SharedDagStore::open(journal.clone()).await.expect_err(what);
    let told = [ErrorKind::Corrupt, ErrorKind::UnsupportedVersion];
    assert!(told.contains(&error.kind()), "{what}: {error:?}");
    assert_eq!(error.cid(), Some(&name), "{what}");
    if error.kind() == ErrorKind::Corrupt {
        let recovered = recover(journal).await.unwrap();
        assert_eq!(recovered.sequence, good.len() as u64, "{what}");
        assert_eq!(recovered.damage.unwrap().kind(), ErrorKind::Corrupt, "{what}");
    }
}

#[test]
fn every_bit_of_a_segment_counts_and_so_does_its_end() {
    block_on(async {
        let journal = MemoryJournal::new();
        let store = SharedDagStore::open(journal.clone()).await.unwrap();
        let states = write(&store).await;
        let segments = segments(&journal).await;
        for (at, segment) in segments.iter().enumerate() {
            let good = &segments[..at];
            for byte in 0..segment.bytes.len() {
                let mut damaged = segment.clone();
                damaged.bytes[byte] ^= 1 << (byte % 8);
                is_found(good, damaged, &format!("segment {at}, byte {byte}")).await;
                let mut short = segment.clone();
                short.bytes.truncate(byte);
                is_found(good, short, &format!("segment {at}, cut at {byte}")).await;
            }
            let mut long = segment.clone();
            long.bytes.push(0);
            is_found(good, long, "a byte more").await;
            if at > 0 {
                let copy = Segment { sequence: segment.sequence, ..segments[at - 1].clone() };
                is_found(good, copy, "the one before again").await;
            }
            let recovered = recover(Given::segments(good.to_vec())).await.unwrap();
            assert!(recovered.damage.is_none());
            if let Some(before) = at.checked_sub(1) {
                let hash = recovered.store.get_state_hash().await.unwrap();
                assert_eq!(hash, states[before].get_state_hash().await.unwrap());
            }
        }
        // One that is missing in the middle.
        let gap = [&segments[..2], &segments[3..]].concat();
        let error = SharedDagStore::open(Given::segments(gap)).await.unwrap_err();
        assert_eq!((error.kind(), error.cid()), (ErrorKind::Corrupt, Some(&segments[3].commit)));
    });
}

#[test]
fn every_byte_of_a_journal_of_two_hundred_nodes_counts() {
    block_on(async {
        let journal = MemoryJournal::new();
        let store = SharedDagStore::open(journal.clone()).await.unwrap();
        let mut parents = vec![];
        for commit in 0..20_u64 {
            let mut changes = Changes::new();
            for number in 0..10 {
                let node = node(&format!("{commit} {number}"), parents, "garden", commit);
                parents = vec![node.cid().unwrap()];
                changes.insert(node);
            }
            store.commit(changes).await.unwrap();
        }
        let segments = segments(&journal).await;
        let journal = Given::default();
        let store = SharedDagStore::open(journal.clone()).await.unwrap();
        let is_refused = async |damaged: Segment, at: usize, byte: usize| {
            journal.segments.lock().unwrap()[at] = damaged;
            let error = store.refresh().await.expect_err("damage is not found");
            let told = [ErrorKind::Corrupt, ErrorKind::UnsupportedVersion];
            assert!(told.contains(&error.kind()), "segment {at}, byte {byte}: {error:?}");
        };
        for (at, segment) in segments.iter().enumerate() {
            journal.segments.lock().unwrap().push(segment.clone());
            for byte in 0..segment.bytes.len() {
                let mut damaged = segment.clone();
                damaged.bytes[byte] ^= 0x55;
                is_refused(damaged, at, byte).await;
                let mut short = segment.clone();
                short.bytes.truncate(byte);
                is_refused(short, at, byte).await;
            }
            // Nothing of it has left a trace.
            assert_eq!(store.len(None).await.unwrap(), 10 * at as u64);
            journal.segments.lock().unwrap()[at] = segment.clone();
            assert_eq!(store.refresh().await.unwrap(), 1);
        }
        let whole = SharedDagStore::open(journal).await.unwrap();
        assert_eq!(store.list().await.unwrap(), whole.list().await.unwrap());
    });
}

#[test]
fn every_byte_of_a_checkpoint_counts_and_so_does_its_end() {
    block_on(async {
        let journal = MemoryJournal::new();
        let store = SharedDagStore::open(journal.clone()).await.unwrap();
        write(&store).await;
        store.checkpoint().await.unwrap();
        let (checkpoint, bytes) = checkpoint(&journal).await;
        let found = |damaged: Vec<u8>, what: String| async move {
            let journal = Given {
                segments: Arc::default(),
                checkpoint: Some((checkpoint, Arc::new(damaged))),
            };
            let error = SharedDagStore::open(journal.clone()).await.expect_err(&what);
            let told = [ErrorKind::Corrupt, ErrorKind::UnsupportedVersion, ErrorKind::Limit];
            assert!(told.contains(&error.kind()), "{what}: {error:?}");
            if error.kind() == ErrorKind::Corrupt {
                let recovered = recover(journal).await.unwrap();
                assert!(recovered.damage.is_some());
                recovered.store.verify().await.unwrap();
            }
        };
        for byte in 0..bytes.len() {
            let mut damaged = bytes.clone();
            damaged[byte] ^= 1 << (byte % 8);
            found(damaged, format!("byte {byte}")).await;
            found(bytes[..byte].to_vec(), format!("cut at {byte}")).await;
        }
        // Another than the journal says.
        for other in [
            Checkpoint { sequence: 7, ..checkpoint },
            Checkpoint { state_hash: [1; 32].into(), ..checkpoint },
        ] {
            let journal = Given {
                segments: Arc::default(),
                checkpoint: Some((other, Arc::new(bytes.clone()))),
            };
            let error = SharedDagStore::open(journal).await.unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Corrupt);
        }
    });
}

/// What is well formed, and yet does not do what it says: made by somebody who can hash.
#[test]
fn a_segment_that_lies_is_found() {
    block_on(async {
        // Written on a store that has a node more, or less.
        let journal = MemoryJournal::new();
        let store = SharedDagStore::open(journal.clone()).await.unwrap();
        let [a, b] = ["a", "b"].map(|name| node(name, vec![], "garden", 1));
        let child = node("child", vec![a.cid().unwrap()], "garden", 2);
        store.insert(a.clone()).await.unwrap();
        store.insert(child.clone()).await.unwrap();
        let genuine = segments(&journal).await;
        let other = MemoryJournal::new();
        let elsewhere = SharedDagStore::open(other.clone()).await.unwrap();
        elsewhere.insert(b).await.unwrap();
        elsewhere.insert(a).await.unwrap();
        let foreign = segments(&other).await;
        // A commit of another history in the place of this one's.
        let mixed = vec![genuine[0].clone(), foreign[1].clone()];
        let error = SharedDagStore::open(Given::segments(mixed)).await.unwrap_err();
        assert_eq!((error.kind(), error.cid()), (ErrorKind::Corrupt, Some(&foreign[1].commit)));
    });
}

#[test]
fn progress_is_told_and_limits_are_kept() {
    block_on(async {
        let journal = MemoryJournal::new();
        let store = SharedDagStore::open(journal.clone()).await.unwrap();
        write(&store).await;
        let mut told = Vec::new();
        let opened =
            SharedDagStore::open(journal.clone()).on_progress(|at| told.push(at)).await.unwrap();
        assert_eq!(told.first().map(|at| (at.sequence, at.bytes_read)), Some((0, 0)));
        let last = told.last().unwrap();
        assert_eq!((last.sequence, last.nodes), (6, 12));
        assert_eq!(Some(last.bytes_read), last.bytes);
        assert_eq!(opened.opened().unwrap().commits, 6);
        let narrow = dag_store::Limits::default().with_parents(1);
        let error = SharedDagStore::open(journal).limits(narrow).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Limit);
    });
}

#[test]
fn contention_ends_and_a_journal_that_changed_behind_the_store_is_noticed() {
    /// Somebody else is always first.
    #[derive(Debug)]
    struct Crowded(MemoryJournal);
    impl Journal for Crowded {
        fn promises(&self) -> Promises {
            self.0.promises()
        }
        fn append<'a>(
            &'a self,
            after: Tip,
            segments: &'a [Segment],
        ) -> BoxFuture<'a, Result<bool>> {
            Box::pin(async move {
                let other = SharedDagStore::open(self.0.clone()).await?;
                let name = format!("first after {}", after.sequence);
                other.insert(node(&name, vec![], "garden", 1)).await?;
                self.0.append(after, segments).await
            })
        }
        fn read(&self, after: u64, max_bytes: usize) -> BoxFuture<'_, Result<Vec<Segment>>> {
            self.0.read(after, max_bytes)
        }
    }
    block_on(async {
        let journal = MemoryJournal::new();
        let store = SharedDagStore::open(Crowded(journal.clone())).await.unwrap();
        let error = store.insert(node("never", vec![], "garden", 1)).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Contended);
        // What the others did is there, and the store goes on.
        assert!(store.len(None).await.unwrap() > 10);

        // It ends elsewhere than where this store has read it to: it is another one.
        let empty = SharedDagStore::open(Given::default()).await.unwrap();
        let error = empty.insert(node("lost", vec![], "garden", 1)).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::NeedsReopen);
        assert_eq!(empty.len(None).await.unwrap_err().kind(), ErrorKind::NeedsReopen);
        empty.close().await.unwrap();
        assert_eq!(empty.len(None).await.unwrap_err().kind(), ErrorKind::Closed);
    });
}

#[test]
fn who_was_left_behind_by_a_checkpoint_reads_it() {
    block_on(async {
        let journal = MemoryJournal::new();
        let one = SharedDagStore::open(journal.clone()).await.unwrap();
        let two = SharedDagStore::open(journal.clone()).await.unwrap();
        write(&one).await;
        assert!(one.checkpoint().await.unwrap());
        one.insert(node("after it", vec![], "garden", 5)).await.unwrap();
        assert_eq!(two.refresh().await.unwrap(), 7);
        assert_eq!(two.get_state_hash().await.unwrap(), one.get_state_hash().await.unwrap());
        assert!(two.has_commit(&CommitId::from([2; 16])).await.unwrap());
        two.insert(node("and again", vec![], "garden", 6)).await.unwrap();
        assert_eq!(one.refresh().await.unwrap(), 1);
        assert_eq!(one.list().await.unwrap(), two.list().await.unwrap());
        let segments: Vec<_> =
            futures::stream::iter(journal.read(6, usize::MAX).await.unwrap()).collect().await;
        assert_eq!(segments.len(), 2);
    });
}

/// A journal that claims, once it is told to, that a checkpoint stands in the place of everything.
#[derive(Clone, Debug, Default)]
struct Forgetful {
    journal: MemoryJournal,
    forgets: Arc<AtomicBool>,
}

impl Journal for Forgetful {
    fn promises(&self) -> Promises {
        self.journal.promises()
    }

    fn append<'a>(&'a self, after: Tip, segments: &'a [Segment]) -> BoxFuture<'a, Result<bool>> {
        self.journal.append(after, segments)
    }

    fn read(&self, after: u64, max_bytes: usize) -> BoxFuture<'_, Result<Vec<Segment>>> {
        if self.forgets.load(Ordering::Relaxed) {
            return Box::pin(async { Err(DagError::new(ErrorKind::Compacted, "it is gone")) });
        }
        self.journal.read(after, max_bytes)
    }

    fn checkpoint(&self) -> BoxFuture<'_, Result<Option<Checkpoint>>> {
        self.journal.checkpoint()
    }

    fn read_checkpoint(
        &self,
        checkpoint: Checkpoint,
        part: u64,
    ) -> BoxFuture<'_, Result<Option<Vec<u8>>>> {
        self.journal.read_checkpoint(checkpoint, part)
    }
}

#[test]
fn a_store_never_goes_back_to_an_older_checkpoint() {
    block_on(async {
        let journal = Forgetful::default();
        let other = SharedDagStore::open(journal.journal.clone()).await.unwrap();
        write(&other).await;
        assert!(other.checkpoint().await.unwrap());
        other.insert(node("after it", vec![], "garden", 5)).await.unwrap();
        let store = SharedDagStore::open(journal.clone()).await.unwrap();
        let hash = store.get_state_hash().await.unwrap();
        journal.forgets.store(true, Ordering::Relaxed);
        assert_eq!(store.refresh().await.unwrap_err().kind(), ErrorKind::Compacted);
        assert_eq!(store.get_state_hash().await.unwrap(), hash);
        journal.forgets.store(false, Ordering::Relaxed);
        other.insert(node("and again", vec![], "garden", 6)).await.unwrap();
        assert_eq!(store.refresh().await.unwrap(), 1);
    });
}

#[test]
fn commits_that_are_long_past_are_found_in_the_journal_or_said_to_be_gone() {
    block_on(async {
        let journal = MemoryJournal::new();
        let store = SharedDagStore::open(journal.clone()).await.unwrap();
        let first = CommitId::from([1; 16]);
        let mut changes = Changes::new();
        changes.set_id(first);
        changes.insert(node("first", vec![], "garden", 0));
        store.commit(changes).await.unwrap();
        for number in 0..4_200_u64 {
            store.insert(node("later", vec![], "garden", number + 1)).await.unwrap();
        }
        let other = CommitId::from([2; 16]);
        assert!(store.has_commit(&first).await.unwrap());
        assert!(!store.has_commit(&other).await.unwrap());
        store.checkpoint().await.unwrap();
        let store = SharedDagStore::open(journal).await.unwrap();
        for id in [first, other] {
            assert_eq!(store.has_commit(&id).await.unwrap_err().kind(), ErrorKind::Compacted);
        }
    });
}
