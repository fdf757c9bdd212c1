//! What only an engine with files can show: that they are locked, and what becomes of damage in them.

use std::fs;
use std::path::{Path, PathBuf};

use dag_store::{RocksEngine, RocksOptions};

use super::faults::{Medium, every_call_fails};
use super::*;

/// A folder that is gone when this is.
struct Folder(PathBuf);

impl Folder {
    fn new() -> Self {
        static FOLDERS: AtomicUsize = AtomicUsize::new(0);
        let number = FOLDERS.fetch_add(1, Ordering::Relaxed);
        // In memory where there is such a place: this is not about the disk.
        let memory = Some(PathBuf::from("/dev/shm")).filter(|folder| folder.is_dir());
        let name = format!("dag-store-rocks-{}-{number}", std::process::id());
        Folder(memory.unwrap_or_else(std::env::temp_dir).join(name))
    }

    /// The same files, to be damaged.
    fn copy(&self) -> Self {
        let copy = Folder::new();
        fs::create_dir(&copy.0).unwrap();
        for entry in fs::read_dir(&self.0).unwrap() {
            let entry = entry.unwrap();
            fs::copy(entry.path(), copy.0.join(entry.file_name())).unwrap();
        }
        copy
    }

    async fn store(&self) -> Result<Arc<KvDagStore<RocksEngine>>> {
        Ok(Arc::new(KvDagStore::open(open(&self.0).await?).await?))
    }

    /// The only file with this ending that has something in it.
    fn file(&self, ending: &str) -> PathBuf {
        let files = fs::read_dir(&self.0).unwrap().map(|entry| entry.unwrap().path());
        let is_it = |file: &PathBuf| file.extension().is_some_and(|found| found == ending);
        let with_content = |file: &PathBuf| fs::metadata(file).unwrap().len() > 0;
        let found: Vec<PathBuf> = files.filter(is_it).filter(with_content).collect();
        let [file] = &found[..] else { panic!("{found:?}") };
        file.clone()
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        drop(fs::remove_dir_all(&self.0));
    }
}

impl Medium for Folder {
    type Engine = RocksEngine;

    async fn open(&self) -> RocksEngine {
        open(&self.0).await.unwrap()
    }
}

async fn open(folder: &Path) -> Result<RocksEngine> {
    let options = RocksOptions::default().with_cache_bytes(1 << 20);
    RocksEngine::open_with(folder, options).await
}

#[test]
fn whichever_call_fails_nothing_acknowledged_is_lost_in_rocksdb() {
    // A database for each: all of them take minutes.
    let step = if std::env::var_os("DAG_STORE_FULL").is_some() { 1 } else { 17 };
    block_on(every_call_fails(Folder::new, step));
}

#[test]
fn a_folder_that_is_open_is_locked_until_it_is_closed() {
    block_on(async {
        let folder = Folder::new();
        let store = folder.store().await.unwrap();
        assert_eq!(open(&folder.0).await.unwrap_err().kind(), ErrorKind::Locked);
        store.close().await.unwrap();
        folder.store().await.unwrap();
    });
}

/// A closed store whose blocks can't be compressed, so that they are found in its files; with its nodes.
async fn filled(folder: &Folder) -> Vec<DagNode> {
    let store = folder.store().await.unwrap();
    let mut nodes = Vec::new();
    for number in 0..200_u32 {
        let beginning = Sha256::digest(number.to_be_bytes());
        let random: Vec<u8> = (0..16_u8)
            .flat_map(|part| Sha256::digest([&beginning[..], &[part]].concat()))
            .collect();
        let node = DagNode::builder()
            .content(dag_store::Ipld::Bytes(random))
            .event_type("vote")
            .scope_id("garden")
            .timestamp(number.into())
            .build()
            .unwrap();
        nodes.push(node.clone());
        store.insert(node).await.unwrap();
    }
    store.close().await.unwrap();
    nodes
}

/// Inverts a bit of a file.
fn damage(file: &Path, at: usize) {
    let mut bytes = fs::read(file).unwrap();
    bytes[at] ^= 0x10;
    fs::write(file, bytes).unwrap();
}

#[test]
fn a_block_that_is_damaged_on_the_disk_is_named_and_others_stay_readable() {
    block_on(async {
        let folder = Folder::new();
        let nodes = filled(&folder).await;
        // What is in the log is written to a table when it is opened.
        folder.store().await.unwrap().close().await.unwrap();
        let table = fs::read(folder.file("sst")).unwrap();
        let mut few_refused = 0;
        for damaged in nodes.iter().step_by(20) {
            let block = damaged.as_bytes();
            let middle = block.len() / 2;
            let piece = &block[middle..middle + 24];
            let at = table.windows(piece.len()).position(|found| found == piece).unwrap();
            let copy = folder.copy();
            damage(&copy.file("sst"), at);
            let store = copy.store().await.unwrap();
            let mut refused = Vec::new();
            for node in &nodes {
                match store.get(node.cid().unwrap()).await {
                    Ok(found) => assert_eq!(found.as_ref(), Some(node)),
                    Err(error) => {
                        assert_eq!(error.kind(), ErrorKind::Corrupt);
                        assert_eq!(error.cid(), Some(&node.cid().unwrap()), "{error:?}");
                        refused.push(node.cid().unwrap());
                    }
                }
            }
            // RocksDB reads, and checks, some 4 KiB at a time: a few blocks, or some sixty of the entries that tell
            // where nodes are, the last of which stand beside the first block.
            assert!(refused.contains(&damaged.cid().unwrap()));
            assert!(refused.len() < nodes.len() / 2, "{} were refused", refused.len());
            few_refused += usize::from(refused.len() < 12);
            assert_eq!(store.verify().await.unwrap_err().kind(), ErrorKind::Corrupt);
        }
        assert!(
            few_refused >= 8,
            "only {few_refused} times a few blocks were all that was refused"
        );
    });
}

/// Where the tests below damage a file: some hundred places all over it.
fn places(file: &Path) -> impl Iterator<Item = usize> {
    let length = usize::try_from(fs::metadata(file).unwrap().len()).unwrap();
    (0..length).step_by(length / 100)
}

#[test]
fn damage_anywhere_in_a_table_gives_no_wrong_answer() {
    block_on(async {
        let folder = Folder::new();
        let nodes = filled(&folder).await;
        folder.store().await.unwrap().close().await.unwrap();
        let verified = folder.store().await.unwrap().verify().await.unwrap();
        let mut refused = 0;
        for at in places(&folder.file("sst")) {
            let copy = folder.copy();
            damage(&copy.file("sst"), at);
            let store = match copy.store().await {
                Ok(store) => store,
                Err(error) => {
                    assert_eq!(error.kind(), ErrorKind::Corrupt, "{at}: {error:?}");
                    refused += 1;
                    continue;
                }
            };
            for node in &nodes {
                match store.get(node.cid().unwrap()).await {
                    Ok(found) => assert_eq!(found.as_ref(), Some(node), "{at}"),
                    Err(error) => assert_eq!(error.kind(), ErrorKind::Corrupt, "{at}: {error:?}"),
                }
            }
            match store.verify().await {
                Ok(found) => assert_eq!(found, verified, "{at}"),
                Err(error) => {
                    assert_eq!(error.kind(), ErrorKind::Corrupt, "{at}: {error:?}");
                    refused += 1;
                }
            }
        }
        assert!(refused > 80, "damage was seen {refused} times");
    });
}

#[test]
fn a_damaged_log_is_refused_and_one_that_was_cut_off_holds_a_beginning() {
    block_on(async {
        let folder = Folder::new();
        let nodes = filled(&folder).await;
        let model = SharedDagStore::new();
        let mut hashes = vec![model.get_state_hash().await.unwrap()];
        for node in &nodes {
            model.insert(node.clone()).await.unwrap();
            hashes.push(model.get_state_hash().await.unwrap());
        }
        let state = async |folder: &Folder| {
            let store = folder.store().await?;
            let last = usize::try_from(DagStore::sequence(&*store).await?).unwrap();
            assert_eq!(store.get_state_hash().await?, hashes[last]);
            Ok::<usize, dag_store::DagError>(last)
        };
        let mut refused = 0;
        for at in places(&folder.file("log")) {
            let copy = folder.copy();
            damage(&copy.file("log"), at);
            match state(&copy).await {
                // How long the last entry is, is not in its checksum: it may look cut off.
                Ok(last) => assert!(last + 1 >= nodes.len(), "{at}: {last}"),
                Err(error) => {
                    assert_eq!(error.kind(), ErrorKind::Corrupt, "{at}: {error:?}");
                    refused += 1;
                }
            }
        }
        assert!(refused > 80, "damage was seen {refused} times");
        let mut before = 0;
        for length in places(&folder.file("log")) {
            let copy = folder.copy();
            let log = fs::File::options().write(true).open(copy.file("log")).unwrap();
            log.set_len(length as u64).unwrap();
            drop(log);
            let last = state(&copy).await.unwrap();
            assert!(before <= last && last < nodes.len(), "{length}: {last} after {before}");
            before = last;
        }
        assert!(before > nodes.len() / 2);
    });
}
