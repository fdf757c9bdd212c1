//! Nodes on their way in, from a CAR file.

mod places;

use std::error::Error;
use std::pin::pin;

use futures::stream::{TryStream, TryStreamExt as _};

use self::places::Places;
use crate::car::{CarReader, Part, Section};
use crate::digest::{self, Digest};
use crate::id;
use crate::platform;
use crate::{Change, Changes, Cid, Commit, DagError, DagNode, DagStore, ErrorKind, Limits, Result};

/// How many blocks are hashed at once.
const TOGETHER: usize = 4;
/// The shortest section has about so many bytes.
const SHORTEST: usize = 1 << 6;

/// What the import of a CAR file did.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Imported {
    /// The roots, as the file names them.
    pub roots: Vec<Cid>,
    /// The one commit by which all of its nodes came in.
    pub commit: Commit,
}

/// Stages the nodes of a CAR file, each checked, as its pieces come.
#[derive(Debug)]
pub(crate) struct CarIntake {
    reader: CarReader,
    staging: Staging,
}

#[derive(Debug)]
struct Staging {
    limits: Limits,
    changes: Changes,
    places: Places,
    roots: Vec<Cid>,
    /// Nodes whose hashes are yet to be checked, several at once, and where each stands in the file.
    unverified: Vec<(u64, DagNode)>,
}

/// What is known of a file that was taken in whole.
#[derive(Debug)]
pub(crate) struct Intaken {
    roots: Vec<Cid>,
    /// Those roots that are not among the file's nodes. The store must have them.
    pub(crate) elsewhere: Vec<Cid>,
    /// Where the file ended.
    end: u64,
    places: Places,
}

impl CarIntake {
    /// An intake that stages into these changes.
    pub(crate) fn new(changes: Changes, limits: Limits) -> Self {
        let reader = CarReader::new(limits.block_bytes);
        let (places, roots, unverified) = (Places::default(), Vec::new(), Vec::new());
        CarIntake { reader, staging: Staging { limits, changes, places, roots, unverified } }
    }

    /// Takes the next piece of the file. After an error it is of no further use.
    pub(crate) fn push(&mut self, piece: &[u8]) -> Result<()> {
        let CarIntake { reader, staging } = self;
        platform::reserve(2 * piece.len())?;
        let most = 1 + piece.len() / SHORTEST;
        staging.changes.reserve(most)?;
        platform::reserve(staging.places.growth(most))?;
        let pushed = reader.push(piece, |part| match part {
            Part::Roots(roots) => staging.take_roots(roots),
            Part::Section(section) => staging.take(section),
        });
        // What is wrong before that comes first.
        pushed.or_else(|error| staging.verify().and(Err(error)))
    }

    /// Ends the file: gives what it comes to, and what is known of it.
    pub(crate) fn finish(mut self) -> Result<(Changes, Intaken)> {
        self.staging.verify()?;
        let end = self.reader.finish()?;
        let Staging { changes, places, roots, .. } = self.staging;
        let is_elsewhere = |root: &&Cid| !matches!(changes.get(root), Some(Change::Insert(_)));
        let elsewhere = roots.iter().filter(is_elsewhere).copied().collect();
        Ok((changes, Intaken { roots, elsewhere, end, places }))
    }
}

impl Staging {
    fn take_roots(&mut self, roots: Vec<Cid>) -> Result<()> {
        roots.iter().try_for_each(|root| id::digest_of(root).map(drop))?;
        self.roots = roots;
        Ok(())
    }

    fn take(&mut self, Section { offset, digest, block }: Section<'_>) -> Result<()> {
        match DagNode::hashed(block, digest, &self.limits) {
            Ok(node) => self.unverified.push((offset, node)),
            Err(error) => {
                // What is wrong before it comes first, and that it was changed says more.
                self.verify()?;
                if digest::sha256(block) != digest {
                    return Err(changed(&digest, offset));
                }
                return Err(error.with_cid(id::cid_of(&digest)));
            }
        }
        if self.unverified.len() == TOGETHER { self.verify() } else { Ok(()) }
    }

    /// Checks the hashes of those that wait for it, and stages them.
    fn verify(&mut self) -> Result<()> {
        if self.unverified.is_empty() {
            return Ok(());
        }
        let mut blocks = [&[][..]; TOGETHER];
        for (block, (_, node)) in blocks.iter_mut().zip(&self.unverified) {
            *block = node.as_bytes();
        }
        let digests = digest::sha256_of_four(blocks);
        for ((offset, node), digest) in self.unverified.drain(..).zip(digests) {
            let claimed = *node.digest();
            if claimed != digest {
                return Err(changed(&claimed, offset));
            }
            let staged = self.changes.staged();
            self.changes.insert(node);
            if self.changes.staged() > staged {
                self.places.note(&claimed, offset);
            }
            let room = self.changes.check_room(0, 0, &self.limits);
            room.map_err(|error| error.with_cid(id::cid_of(&claimed)).with_offset(offset))?;
        }
        Ok(())
    }
}

fn changed(claimed: &Digest, offset: u64) -> DagError {
    let message = "a block does not hash to the CID that stands before it";
    let error = DagError::new(ErrorKind::InvalidCid, message);
    error.with_cid(id::cid_of(claimed)).with_offset(offset)
}

impl Intaken {
    /// Refuses the file if it has roots that are nowhere; `there` tells which of those elsewhere are in
    /// the store.
    pub(crate) fn check_roots(&self, there: &[bool]) -> Result<()> {
        let missing = self.elsewhere.iter().zip(there).find(|(_, there)| !**there);
        let Some((root, _)) = missing else { return Ok(()) };
        let message = "a root is neither among the file's nodes nor in the store; perhaps the file \
                       is cut short";
        let error = DagError::new(ErrorKind::InvalidArgument, message);
        Err(error.with_cid(*root).with_offset(self.end))
    }

    /// What came of the commit of its nodes, told of the file.
    pub(crate) fn imported(self, commit: Result<Commit>) -> Result<Imported> {
        match commit {
            Ok(commit) => Ok(Imported { roots: self.roots, commit }),
            Err(error) => Err(self.places.locate(error)),
        }
    }
}

/// Imports a file into any store, in one commit with these changes.
pub(crate) async fn import<S, C>(store: &S, chunks: C, changes: Changes) -> Result<Imported>
where
    S: DagStore + ?Sized,
    C: TryStream<Ok: AsRef<[u8]>, Error: Into<Box<dyn Error + Send + Sync>>>,
{
    let mut chunks = pin!(chunks.map_err(|error| {
        DagError::new(ErrorKind::Storage, "the CAR file can't be read").with_source(error)
    }));
    let mut intake = CarIntake::new(changes, store.limits().clone());
    while let Some(chunk) = chunks.try_next().await? {
        intake.push(chunk.as_ref())?;
    }
    let (changes, file) = intake.finish()?;
    if !file.elsewhere.is_empty() {
        file.check_roots(&store.has_many(&file.elsewhere).await?)?;
    }
    file.imported(store.commit(changes).await)
}
