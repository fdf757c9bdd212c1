//! Folders for tests, and segments to write.

use std::fs;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU32, Ordering};

use dag_store::{Cid, FileJournal, Journal as _, Result, Segment, Tip, ToCid as _};

/// A folder that goes with the test.
pub(crate) struct Scratch(PathBuf);

impl Scratch {
    pub(crate) fn new() -> Self {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let name = format!("dag-store-test-{}-{number}", std::process::id());
        // In memory where there is such a folder: thousands of small files are synced here.
        let memory = Some(PathBuf::from("/dev/shm")).filter(|folder| folder.is_dir());
        let folder = memory.unwrap_or_else(std::env::temp_dir).join(name);
        fs::create_dir(&folder).unwrap();
        Scratch(folder)
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }

    pub(crate) fn names(&self) -> Vec<String> {
        let entries = fs::read_dir(&self.0).unwrap();
        let mut names: Vec<_> =
            entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        drop(fs::remove_dir_all(&self.0));
    }
}

/// A segment, always the same for the same number and length. What is in it means nothing to a journal.
pub(crate) fn segment(sequence: u64, length: usize) -> Segment {
    let noise = |seed: u64, length: usize| {
        let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
        let mut byte = || {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            state.to_be_bytes()[0]
        };
        (0..length).map(|_| byte()).collect::<Vec<_>>()
    };
    let mut commit = vec![0x01, 0x71, 0x12, 0x20];
    commit.extend(noise(sequence, 32));
    Segment { sequence, commit: cid(&commit), bytes: noise(!sequence, length) }
}

fn cid(bytes: &[u8]) -> Cid {
    bytes.to_cid().unwrap()
}

/// Where a chain of these ends.
pub(crate) fn tip(segments: &[Segment]) -> Tip {
    segments.last().map(Segment::tip).unwrap_or_default()
}

/// All that can be read after a number, in steps of so many bytes, and the error that it ends with.
pub(crate) async fn read_on(
    journal: &FileJournal,
    mut after: u64,
    step: usize,
) -> (Vec<Segment>, Result<()>) {
    let mut all = Vec::new();
    loop {
        match journal.read(after, step).await {
            Ok(read) if read.is_empty() => return (all, Ok(())),
            Ok(read) => {
                after = read.last().unwrap().sequence;
                all.extend(read);
            }
            Err(error) => return (all, Err(error)),
        }
    }
}
