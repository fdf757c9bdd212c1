//! A state as a journal's checkpoint: written part by part, and read with nothing taken on trust.
//!
//! `docs/spec.md`, section "Checkpoints", has the layout.

use crate::car::{self, CarReader, Part, Section};
use crate::cbor::{self, Reader};
use crate::digest::{self, Digest};
use crate::id;
use crate::platform;
use crate::segment::{
    self, LIST, LONGEST, VERSION, check_hash, expect, fault, fixed, key, link, links,
};
use crate::state::{Recent, State};
use crate::{Checkpoint, CommitId, DagError, DagNode, ErrorKind, Limits, Result};

/// Bytes of a part, about.
const PART: usize = 1 << 20;

/// A checkpoint in the writing. It holds no borrow of the state, which must not change meanwhile.
#[derive(Debug)]
pub(crate) struct CheckpointWriter {
    checkpoint: Checkpoint,
    next: Next,
}

#[derive(Debug)]
enum Next {
    Head,
    /// The nodes from this slot on.
    Nodes(usize),
}

impl CheckpointWriter {
    pub(crate) fn new(checkpoint: Checkpoint) -> Self {
        CheckpointWriter { checkpoint, next: Next::Head }
    }

    /// The next part, or none after the last.
    pub(crate) fn part(&mut self, state: &State) -> Result<Option<Vec<u8>>> {
        let mut part = Vec::new();
        match self.next {
            Next::Head => {
                platform::reserve(2 * PART)?;
                self.head(state, &mut part)?;
                self.next = Next::Nodes(0);
            }
            Next::Nodes(from) => {
                platform::reserve(2 * PART)?;
                let next = state.write_nodes(from, PART, &mut part);
                self.next = Next::Nodes(next);
            }
        }
        Ok((!part.is_empty()).then_some(part))
    }

    fn head(&self, state: &State, part: &mut Vec<u8>) -> Result<()> {
        let numbers = state.ordinal_runs();
        let ordinals: Vec<_> = numbers.chunks(LIST).map(list_of).collect();
        let ids: Vec<u8> = state.recent().iter().flat_map(|id| *id.as_bytes()).collect();
        let mut block = Vec::new();
        cbor::write_map(&mut block, 7);
        key(&mut block, "ids");
        cbor::write_bytes(&mut block, &ids);
        key(&mut block, "nodes");
        cbor::write_unsigned(&mut block, state.len(None));
        key(&mut block, "state");
        cbor::write_bytes(&mut block, self.checkpoint.state_hash.as_bytes());
        key(&mut block, "commit");
        link(&mut block, &id::digest_of(&self.checkpoint.commit)?);
        key(&mut block, "version");
        cbor::write_unsigned(&mut block, VERSION);
        key(&mut block, "ordinals");
        links(&mut block, &ordinals);
        key(&mut block, "sequence");
        cbor::write_unsigned(&mut block, self.checkpoint.sequence);
        let digest = digest::sha256(&block);
        car::write_header(&[digest], part);
        car::write_section(&digest, &block, part);
        for (digest, block) in &ordinals {
            car::write_section(digest, block, part);
        }
        Ok(())
    }
}

/// A block of ordinals, with its digest.
fn list_of(numbers: &[u64]) -> (Digest, Vec<u8>) {
    let mut block = Vec::new();
    cbor::write_list(&mut block, numbers.len());
    for number in numbers {
        cbor::write_unsigned(&mut block, *number);
    }
    (digest::sha256(&block), block)
}

/// A checkpoint in the reading, from parts that may be cut anywhere.
///
/// What it has read so far is a state at any time: that of the nodes up to where it has come.
#[derive(Debug)]
pub(crate) struct CheckpointReader {
    checkpoint: Checkpoint,
    file: CarReader,
    limits: Limits,
    root: Option<Digest>,
    head: Option<Head>,
    lists: usize,
    ordinals: OrdinalRuns,
    state: State,
    bytes_read: u64,
}

impl CheckpointReader {
    pub(crate) fn new(checkpoint: Checkpoint, limits: &Limits) -> Self {
        CheckpointReader {
            checkpoint,
            file: CarReader::new(LONGEST.max(limits.block_bytes)),
            limits: limits.clone(),
            root: None,
            head: None,
            lists: 0,
            ordinals: OrdinalRuns::default(),
            state: State::with_history(limits.history),
            bytes_read: 0,
        }
    }

    pub(crate) fn checkpoint(&self) -> Checkpoint {
        self.checkpoint
    }

    /// How many bytes have been read.
    pub(crate) fn bytes_read(&self) -> u64 {
        self.bytes_read
    }

    /// What has been read so far.
    pub(crate) fn into_state(self) -> State {
        self.state
    }

    /// Reads the next part.
    pub(crate) fn push(&mut self, part: &[u8]) -> Result<()> {
        self.bytes_read += part.len() as u64;
        let CheckpointReader {
            file, root, head, lists, ordinals, state, limits, checkpoint, ..
        } = self;
        file.push(part, |part| match part {
            Part::Roots(roots) => match roots.as_slice() {
                [only] => {
                    *root = Some(id::digest_of(only)?);
                    Ok(())
                }
                _ => Err(fault("it does not have one root")),
            },
            Part::Section(section) => match head {
                None => {
                    check_hash(&section)?;
                    if *root != Some(section.digest) {
                        return Err(fault("its first block is not its root"));
                    }
                    *head = Some(Head::read(section.block, checkpoint)?);
                    Ok(())
                }
                Some(head) if *lists < head.lists.len() => {
                    check_hash(&section)?;
                    if head.lists[*lists] != section.digest {
                        return Err(fault("its lists are others than its first block links to"));
                    }
                    *lists += 1;
                    ordinals.read(section.block)
                }
                Some(_) => read_node(state, ordinals, &section, limits),
            },
        })
        .map_err(|error| at_fault(checkpoint, error))
    }

    /// The state, after the last part; its hash is yet to be looked at.
    pub(crate) fn finish(mut self) -> Result<State> {
        match self.check_end() {
            Ok(()) => Ok(self.state),
            Err(error) => Err(at_fault(&self.checkpoint, error)),
        }
    }

    fn check_end(&mut self) -> Result<()> {
        self.file.finish()?;
        let Some(head) = self.head.take() else {
            return Err(fault("it has no first block"));
        };
        if self.lists != head.lists.len() || self.state.len(None) != head.nodes {
            return Err(fault("it ends too early, or too late"));
        }
        let Some(next) = self.ordinals.end() else {
            return Err(fault("it has other nodes than ordinals"));
        };
        self.state.continue_from(self.checkpoint.sequence, next, head.ids);
        Ok(())
    }
}

/// The error about a checkpoint that is not what it should be.
pub(crate) fn at_fault(checkpoint: &Checkpoint, error: DagError) -> DagError {
    let sequence = checkpoint.sequence;
    // Some are no fault of the checkpoint's.
    let damaged = !matches!(
        error.kind(),
        ErrorKind::Limit | ErrorKind::UnsupportedVersion | ErrorKind::Quota
    );
    let is = if damaged { " is damaged" } else { "" };
    let kind = if damaged { ErrorKind::Corrupt } else { error.kind() };
    let what = format!("the checkpoint after commit {sequence}{is}: {error}");
    DagError::new(kind, what).with_cid(checkpoint.commit).with_source(error)
}

fn read_node(
    state: &mut State,
    ordinals: &mut OrdinalRuns,
    section: &Section<'_>,
    limits: &Limits,
) -> Result<()> {
    let node = DagNode::decode_with(section.block, limits)?;
    if *node.digest() != section.digest {
        return Err(fault("a block does not hash to its CID"));
    }
    let ordinal = ordinals.next().ok_or_else(|| fault("it has more nodes than ordinals"))?;
    if state.has(node.digest()) {
        return Err(fault("it has a node twice"));
    }
    state.insert(&node)?;
    state.note_ordinal(ordinal);
    Ok(())
}

/// A checkpoint block.
#[derive(Debug)]
struct Head {
    ids: Vec<CommitId>,
    nodes: u64,
    lists: Vec<Digest>,
}

impl Head {
    fn read(block: &[u8], checkpoint: &Checkpoint) -> Result<Self> {
        segment::check_version(block)?;
        let mut reader = Reader::new(block);
        if reader.map("")? != 7 {
            return Err(fault("a block with other keys"));
        }
        expect(&mut reader, "ids")?;
        let (ids, []) = reader.bytes("")?.as_chunks::<16>() else {
            return Err(fault("ids of another length"));
        };
        expect(&mut reader, "nodes")?;
        let nodes = reader.unsigned("")?;
        let state = fixed(&mut reader, "state")?;
        expect(&mut reader, "commit")?;
        let commit = reader.tagged_link()?;
        expect(&mut reader, "version")?;
        reader.unsigned("")?;
        expect(&mut reader, "ordinals")?;
        let lists = (0..reader.list("")?).map(|_| id::digest_of(&reader.tagged_link()?));
        let lists = lists.collect::<Result<_>>()?;
        expect(&mut reader, "sequence")?;
        let sequence = reader.unsigned("")?;
        reader.end()?;
        if *checkpoint != (Checkpoint { sequence, commit, state_hash: state.into() }) {
            return Err(fault("it is another than the journal has it for"));
        }
        if ids.len() > Recent::MOST {
            return Err(fault("it has more ids than there can be"));
        }
        Ok(Head { ids: ids.iter().copied().map(CommitId::from).collect(), nodes, lists })
    }
}

/// Ordinals as they are written: how many are skipped, how many follow, in turns.
#[derive(Debug, Default)]
struct OrdinalRuns {
    numbers: Vec<u64>,
    /// The next of the numbers.
    at: usize,
    /// The next ordinal, and how many there are before some are skipped.
    next: u64,
    left: u64,
}

impl OrdinalRuns {
    fn read(&mut self, block: &[u8]) -> Result<()> {
        let mut reader = Reader::new(block);
        for _ in 0..reader.list("")? {
            self.numbers.push(reader.unsigned("")?);
        }
        reader.end()
    }

    fn skip(&mut self) -> Option<()> {
        let skipped = self.numbers.get(self.at)?;
        // Only at the very beginning nothing may be skipped.
        if *skipped == 0 && self.at > 0 {
            return None;
        }
        self.next = self.next.checked_add(*skipped)?;
        self.at += 1;
        Some(())
    }

    /// What comes after the last ordinal, if that was taken.
    fn end(&mut self) -> Option<u64> {
        if self.left == 0 && self.at < self.numbers.len() {
            self.skip()?;
        }
        (self.left == 0 && self.at == self.numbers.len()).then_some(self.next)
    }
}

impl Iterator for OrdinalRuns {
    type Item = u64;

    fn next(&mut self) -> Option<u64> {
        if self.left == 0 {
            self.skip()?;
            self.left = *self.numbers.get(self.at)?;
            self.at += 1;
        }
        self.left = self.left.checked_sub(1)?;
        let ordinal = self.next;
        self.next = self.next.checked_add(1)?;
        Some(ordinal)
    }
}
