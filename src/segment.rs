//! A commit as a journal keeps it: written as a segment, and read with nothing taken on trust.
//!
//! `docs/spec.md`, section "The journal", has the layout.

use crate::car::{self, Part, Section};
use crate::cbor::{self, Reader};
use crate::digest::{self, Digest};
use crate::id;
use crate::layout::LINK_PREFIX;
use crate::{Cid, Commit, CommitId, DagError, DagNode, ErrorKind, Limits, Result, Segment, Tip};

/// The version of segments and checkpoints that is written, and read.
pub(crate) const VERSION: u64 = 1;
/// How many links or numbers a list block has, unless it is the last of its list.
pub(crate) const LIST: usize = 1 << 13;
/// Bytes of a block that is not a node's, at most: commits of as many operations as can be have links
/// to 2,000 lists.
pub(crate) const LONGEST: usize = 1 << 20;

/// Bytes that a link takes, and that a section takes beside its block.
const LINK_BYTES: usize = LINK_PREFIX.len() + 32;
const SECTION_BYTES: usize = 36 + 4;

/// What a segment says.
#[derive(Debug)]
pub(crate) struct Recorded {
    /// The commit, with its state hash.
    pub(crate) commit: Commit,
    /// The nodes that it inserts, in order.
    pub(crate) nodes: Vec<DagNode>,
}

/// How many bytes a segment has at most that inserts so many nodes, with so many bytes in all, and
/// removes so many.
pub(crate) fn longest(inserted: usize, block_bytes: usize, removed: usize) -> u64 {
    let lists = inserted.div_ceil(LIST) + removed.div_ceil(LIST);
    let links = (inserted + removed + lists) * LINK_BYTES;
    let sections = (inserted + lists + 2) * SECTION_BYTES;
    // Header and commit block have less than 400 bytes without their links.
    (block_bytes + links + sections + lists * 3 + 400) as u64
}

/// Writes a commit, which must have its state hash, as the segment after this one. The nodes are
/// those that it inserts, in order.
pub(crate) fn write<'a>(
    after: &Tip,
    commit: &Commit,
    nodes: impl Iterator<Item = &'a DagNode>,
) -> Segment {
    let [inserted, removed] = [&commit.inserted, &commit.removed].map(|cids| lists_of(cids));
    let state = commit.state_hash.map_or([0; 32], |hash| *hash.as_bytes());
    let mut block = Vec::new();
    cbor::write_map(&mut block, 7);
    key(&mut block, "id");
    cbor::write_bytes(&mut block, commit.id.as_bytes());
    key(&mut block, "prev");
    match after.commit.as_ref().and_then(|cid| id::digest_of(cid).ok()) {
        Some(digest) => link(&mut block, &digest),
        None => cbor::write_null(&mut block),
    }
    key(&mut block, "state");
    cbor::write_bytes(&mut block, &state);
    key(&mut block, "removed");
    links(&mut block, &removed);
    key(&mut block, "version");
    cbor::write_unsigned(&mut block, VERSION);
    key(&mut block, "inserted");
    links(&mut block, &inserted);
    key(&mut block, "sequence");
    cbor::write_unsigned(&mut block, commit.sequence);

    let digest = digest::sha256(&block);
    let mut bytes = Vec::new();
    car::write_header(&[digest], &mut bytes);
    car::write_section(&digest, &block, &mut bytes);
    for (digest, block) in inserted.iter().chain(&removed) {
        car::write_section(digest, block, &mut bytes);
    }
    for node in nodes {
        car::write_section(node.digest(), node.as_bytes(), &mut bytes);
    }
    Segment { sequence: commit.sequence, commit: id::cid_of(&digest), bytes }
}

pub(crate) fn key(out: &mut Vec<u8>, key: &str) {
    cbor::write_text(out, key);
}

pub(crate) fn link(out: &mut Vec<u8>, digest: &Digest) {
    out.extend_from_slice(&LINK_PREFIX);
    out.extend_from_slice(digest);
}

/// A list of links to list blocks.
pub(crate) fn links(out: &mut Vec<u8>, lists: &[(Digest, Vec<u8>)]) {
    cbor::write_list(out, lists.len());
    for (digest, _) in lists {
        link(out, digest);
    }
}

/// The list blocks of these nodes, each with its digest.
fn lists_of(cids: &[Cid]) -> Vec<(Digest, Vec<u8>)> {
    let list = |cids: &[Cid]| {
        let mut block = Vec::with_capacity(3 + cids.len() * LINK_BYTES);
        cbor::write_list(&mut block, cids.len());
        for digest in cids.iter().filter_map(|cid| id::digest_of(cid).ok()) {
            link(&mut block, &digest);
        }
        (digest::sha256(&block), block)
    };
    cids.chunks(LIST).map(list).collect()
}

/// Reads a segment that claims to come after this commit, and checks all that can be without the store:
/// its form, every hash, its place in the chain. An error names the commit.
pub(crate) fn read(segment: &Segment, after: &Tip, limits: &Limits) -> Result<Recorded> {
    read_sections(segment, after, limits).map_err(|error| at_fault(segment, error))
}

/// Reads a segment that a store has written in this process: its hashes are taken on trust.
#[cfg(all(feature = "postgres", threads))]
pub(crate) fn trusted(segment: &Segment) -> Result<Recorded> {
    let limits = Limits::ceiling();
    let mut reading = Reading { trusted: true, ..Reading::default() };
    car::read(&segment.bytes, LONGEST.max(limits.block_bytes), |part| match part {
        Part::Roots(_) => Ok(()),
        Part::Section(section) => reading.section(&section, &limits),
    })?;
    let Reading { head, inserted, removed, nodes, .. } = reading;
    let head = head.ok_or_else(|| fault("it has no commit block"))?;
    let commit =
        Commit::new(head.sequence, head.id, inserted, removed).with_state_hash(head.state.into());
    Ok(Recorded { commit, nodes })
}

/// The error about a segment that is not what it should be.
pub(crate) fn at_fault(segment: &Segment, error: DagError) -> DagError {
    // Some are no fault of the segment's.
    let damaged = match error.kind() {
        ErrorKind::Aborted => return error,
        kind => {
            !matches!(kind, ErrorKind::Limit | ErrorKind::UnsupportedVersion | ErrorKind::Quota)
        }
    };
    let is = if damaged { " in the journal is damaged" } else { "" };
    let kind = if damaged { ErrorKind::Corrupt } else { error.kind() };
    let what = format!("commit {}{is}: {error}", segment.sequence);
    let named = DagError::new(kind, what).with_cid(segment.commit);
    let named = error.commit_id().into_iter().fold(named, |named, id| named.with_commit(*id));
    named.with_source(error)
}

/// The id of the commit that a segment is.
pub(crate) fn id_of(segment: &Segment) -> Result<CommitId> {
    let mut head = None;
    car::read(&segment.bytes, LONGEST, |part| {
        if let (Part::Section(Section { block, .. }), None) = (part, &head) {
            head = Some(Head::read(block)?);
        }
        Ok(())
    })
    .map_err(|error| at_fault(segment, error))?;
    head.map(|head| head.id).ok_or_else(|| at_fault(segment, fault("it has no commit block")))
}

fn read_sections(segment: &Segment, after: &Tip, limits: &Limits) -> Result<Recorded> {
    let digest = id::digest_of(&segment.commit)?;
    let mut header = Vec::new();
    car::write_header(&[digest], &mut header);
    if !segment.bytes.starts_with(&header) {
        return Err(fault("it does not begin with the header of its CAR file"));
    }
    let mut reading = Reading::default();
    let most = LONGEST.max(limits.block_bytes);
    car::read(&segment.bytes, most, |part| match part {
        Part::Roots(_) => Ok(()),
        Part::Section(section) => reading.section(&section, limits),
    })?;
    let Reading { head, inserted, removed, nodes, .. } = reading;
    let head = head.ok_or_else(|| fault("it has no commit block"))?;
    let named = |error: DagError| error.with_commit(head.id);
    if nodes.len() != inserted.len() {
        return Err(named(fault("it has other blocks than the commit inserts")));
    }
    if head.sequence != segment.sequence || head.sequence != after.sequence + 1 {
        return Err(named(fault("its sequence number is not the next")));
    }
    if head.prev != after.commit {
        return Err(named(fault("it does not follow the commit before it")));
    }
    let commit =
        Commit::new(head.sequence, head.id, inserted, removed).with_state_hash(head.state.into());
    // One commit has one segment. So what is not looked at above can't be wrong.
    let again = write(after, &commit, nodes.iter());
    if again == *segment {
        Ok(Recorded { commit, nodes })
    } else {
        Err(named(fault("it could be written otherwise")))
    }
}

/// How far the sections of a segment have been read.
#[derive(Default)]
struct Reading {
    head: Option<Head>,
    lists: usize,
    inserted: Vec<Cid>,
    removed: Vec<Cid>,
    nodes: Vec<DagNode>,
    /// Whether its hashes are taken on trust.
    trusted: bool,
}

impl Reading {
    fn section(&mut self, section: &Section<'_>, limits: &Limits) -> Result<()> {
        let Some(head) = &self.head else {
            check_hash(section)?;
            self.head = Some(Head::read(section.block)?);
            return Ok(());
        };
        if self.lists < head.lists {
            check_hash(section)?;
            let list =
                if self.lists < head.inserted { &mut self.inserted } else { &mut self.removed };
            self.lists += 1;
            return read_links(section.block, list);
        }
        if self.trusted {
            self.nodes.push(DagNode::trusted(section.block, section.digest, limits)?);
            return Ok(());
        }
        let node = DagNode::decode_with(section.block, limits)?;
        if *node.digest() != section.digest {
            return Err(fault("a block does not hash to its CID"));
        }
        if self.inserted.get(self.nodes.len()).copied() != Some(node.cid()?) {
            return Err(fault("it has other blocks than the commit inserts"));
        }
        self.nodes.push(node);
        Ok(())
    }
}

/// Refuses a block that does not hash to its CID.
pub(crate) fn check_hash(section: &Section<'_>) -> Result<()> {
    if digest::sha256(section.block) == section.digest {
        return Ok(());
    }
    Err(fault("a block does not hash to its CID"))
}

/// A commit block, without the links to its lists.
struct Head {
    id: CommitId,
    prev: Option<Cid>,
    state: [u8; 32],
    sequence: u64,
    /// How many list blocks there are, and how many of them are of inserted nodes.
    lists: usize,
    inserted: usize,
}

impl Head {
    fn read(block: &[u8]) -> Result<Self> {
        let mut reader = Reader::new(block);
        check_version(block)?;
        reader.map("")?;
        let id = fixed(&mut reader, "id")?;
        expect(&mut reader, "prev")?;
        let prev = if reader.take_exactly(&[0xf6]) { None } else { Some(reader.tagged_link()?) };
        let state = fixed(&mut reader, "state")?;
        let removed = skip_links(&mut reader, "removed")?;
        expect(&mut reader, "version")?;
        reader.unsigned("")?;
        let inserted = skip_links(&mut reader, "inserted")?;
        expect(&mut reader, "sequence")?;
        let sequence = reader.unsigned("")?;
        reader.end()?;
        Ok(Head {
            id: CommitId::from(id),
            prev,
            state,
            sequence,
            lists: inserted + removed,
            inserted,
        })
    }
}

/// Refuses a commit or checkpoint block of another version than this.
pub(crate) fn check_version(block: &[u8]) -> Result<()> {
    let mut reader = Reader::new(block);
    for _ in 0..reader.map("it is not a map")? {
        if reader.text("a key is not text")? == b"version" {
            if reader.unsigned("`version` is not a number")? == VERSION {
                return Ok(());
            }
            return Err(DagError::new(
                ErrorKind::UnsupportedVersion,
                "it is of a later format; update dag-store to read it",
            ));
        }
        reader.skip_value(2)?;
    }
    Err(fault("a block without a version"))
}

/// Reads a key.
pub(crate) fn expect(reader: &mut Reader<'_>, key: &str) -> Result<()> {
    if reader.text("")? == key.as_bytes() { Ok(()) } else { Err(fault("a block with other keys")) }
}

/// Reads a key, and bytes of this length.
pub(crate) fn fixed<const N: usize>(reader: &mut Reader<'_>, key: &str) -> Result<[u8; N]> {
    expect(reader, key)?;
    reader.bytes("")?.try_into().map_err(|_| fault("bytes of another length"))
}

/// Reads a key, and how many links follow, which it passes over.
pub(crate) fn skip_links(reader: &mut Reader<'_>, key: &str) -> Result<usize> {
    expect(reader, key)?;
    let count = reader.list("")?;
    for _ in 0..count {
        reader.tagged_link()?;
    }
    Ok(count)
}

fn read_links(block: &[u8], links: &mut Vec<Cid>) -> Result<()> {
    let mut reader = Reader::new(block);
    for _ in 0..reader.list("")? {
        links.push(reader.tagged_link()?);
    }
    reader.end()
}

pub(crate) fn fault(what: &str) -> DagError {
    DagError::new(ErrorKind::Corrupt, what)
}
