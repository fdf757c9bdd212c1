//! A journal file, read and written with calls that block.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::file_journal::format::{
    self, HEAD_BYTES, HEADER_BYTES, Head, Header, LAST_SEQUENCE, Marker, NoHeader, Placed,
};
use crate::file_journal::lock::{Lock, with_suffix};
use crate::file_journal::storage_error;
use crate::file_journal::window::Window;
use crate::{Checkpoint, DagError, ErrorKind, Result, Segment, Tip, platform};

/// Bytes of the file between two entries of the index.
const STRIDE: u64 = 1 << 20;
/// The largest piece of a checkpoint that gets a record of its own.
const LONGEST_PART: usize = 1 << 24;

/// An open journal file.
#[derive(Debug)]
pub(crate) struct Log {
    path: PathBuf,
    file: File,
    marker: Marker,
    placed: Option<Placed>,
    /// Where the parts of the checkpoint begin, as far as that is known.
    parts: Vec<u64>,
    records: Records,
    /// Up to where the last read came: a sequence number, and where the record after it may begin.
    reached: (u64, u64),
    /// Bytes of a torn write that opening cut off.
    cut: u64,
    /// Of the last checkpoint that was begun.
    drafts: Arc<AtomicU64>,
    access: Access,
    /// The right to write; none where the journal is only read.
    _lock: Option<Lock>,
}

#[derive(Debug)]
enum Access {
    /// With the right to write.
    Write,
    /// Something failed so that what is on the medium can't be known.
    Lost,
    /// To read what can be read, up to the damage if there is any.
    Read { damage: Option<u64> },
}

/// The records of segments in a file, as far as they are sound.
#[derive(Clone, Debug)]
struct Records {
    end: u64,
    tip: Tip,
    /// Of some records, in order: the number of the first segment, and where the record begins.
    index: Vec<(u64, u64)>,
}

/// Where the sound records end, if not with the file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Break {
    None,
    /// So many bytes of a write that broke off.
    Torn(u64),
    /// Something else than was written.
    Damaged,
}

impl Log {
    /// Opens a journal to write it; makes it where there is none.
    pub(crate) fn open(path: &Path) -> Result<Self> {
        let path = resolve(path)?;
        let lock = Lock::take(&path)?;
        let failed = |error| storage_error("opening", &path, error);
        let draft = draft_of(&path);
        if let Err(error) = fs::remove_file(&draft)
            && error.kind() != io::ErrorKind::NotFound
        {
            return Err(storage_error("removing", &draft, error));
        }
        let open = || OpenOptions::new().read(true).write(true).open(&path);
        let file = match open() {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                create(&path).map_err(|error| storage_error("creating", &path, error))?;
                open().map_err(failed)?
            }
            opened => opened.map_err(failed)?,
        };
        let (mut log, broken) = Self::scan(&path, file, Access::Write, Some(lock))?;
        match broken {
            Break::None => {}
            Break::Torn(bytes) => {
                let cut = log.file.set_len(log.records.end).and_then(|()| log.file.sync_all());
                cut.map_err(|error| storage_error("cutting a torn write off", &path, error))?;
                log.cut = bytes;
            }
            Break::Damaged => return Err(log.damaged(log.records.end)),
        }
        Ok(log)
    }

    /// Opens a journal to read it, damaged or not, without a lock and without changing it.
    pub(crate) fn open_read_only(path: &Path) -> Result<Self> {
        let file = File::open(path).map_err(|error| storage_error("opening", path, error))?;
        let (mut log, broken) = Self::scan(path, file, Access::Read { damage: None }, None)?;
        match broken {
            Break::None => {}
            Break::Torn(bytes) => log.cut = bytes,
            Break::Damaged => log.access = Access::Read { damage: Some(log.records.end) },
        }
        Ok(log)
    }

    /// Reads all records of segments once.
    fn scan(path: &Path, file: File, access: Access, lock: Option<Lock>) -> Result<(Self, Break)> {
        let failed = |error| storage_error("reading", path, error);
        let length = file.metadata().map_err(failed)?.len();
        let mut window = Window::new(&file, length);
        let header = window.array::<HEADER_BYTES>(0).map_err(failed)?;
        let header = header.map_or(Err(NoHeader::Broken), |bytes| Header::read(&bytes));
        let Header { marker, placed } = header.map_err(|why| refuse(path, why))?;
        let start = placed.map_or(HEADER_BYTES as u64, |placed| placed.end);
        if start < HEADER_BYTES as u64 || start > length {
            return Err(corrupt(path, "the checkpoint is not there as a whole", length));
        }
        let tip = placed.map(|placed| placed.checkpoint.tip()).unwrap_or_default();
        let mut records = Records { end: start, tip, index: Vec::new() };
        let mut broken = Break::None;
        while records.end < length {
            if !records.take(&mut window, marker).map_err(failed)? {
                let next = records.tip.sequence.saturating_add(1);
                let later = later_head(&mut window, marker, records.end, next);
                let torn = Break::Torn(length - records.end);
                broken = if later.map_err(failed)? { Break::Damaged } else { torn };
                break;
            }
        }
        let log = Log {
            path: path.to_owned(),
            file,
            marker,
            placed,
            parts: vec![HEADER_BYTES as u64],
            reached: (placed.map_or(0, |placed| placed.checkpoint.sequence), start),
            records,
            cut: 0,
            drafts: Arc::default(),
            access,
            _lock: lock,
        };
        Ok((log, broken))
    }

    pub(crate) fn marker(&self) -> Marker {
        self.marker
    }

    pub(crate) fn bytes(&self) -> u64 {
        self.records.end
    }

    pub(crate) fn cut(&self) -> u64 {
        self.cut
    }

    /// Appends a record, made of segments that end with `tip`, if the last commit is `after`. No tip says
    /// that the segments do not follow one another from there.
    pub(crate) fn append(&mut self, after: Tip, tip: Option<Tip>, record: &[u8]) -> Result<bool> {
        self.writable()?;
        if self.records.tip != after {
            return Ok(false);
        }
        let tip = tip.ok_or_else(|| {
            let message = "segments must be numbered on from the commit they come after";
            DagError::new(ErrorKind::InvalidArgument, message)
        })?;
        if tip == after {
            return Ok(true);
        }
        let start = self.records.end;
        let written =
            self.file.seek(SeekFrom::Start(start)).and_then(|_| self.file.write_all(record));
        if let Err(error) = written {
            return Err(self.cut_back(error));
        }
        if let Err(error) = self.file.sync_data() {
            // Whether it is written, only the medium knows; and asking again would be told that it is.
            self.access = Access::Lost;
            return Err(self.unknown("writing", error));
        }
        self.records.grew(after.sequence + 1, start, record.len() as u64, tip);
        Ok(true)
    }

    /// Takes back what there is of a record that could not be written.
    fn cut_back(&mut self, error: io::Error) -> DagError {
        let cut = self.file.set_len(self.records.end).and_then(|()| self.file.sync_all());
        if cut.is_ok() {
            return storage_error("writing", &self.path, error);
        }
        self.access = Access::Lost;
        self.unknown("writing", error)
    }

    /// Reads segments after a sequence number.
    pub(crate) fn read(&mut self, after: u64, max_bytes: usize) -> Result<Vec<Segment>> {
        self.readable()?;
        if let Some(placed) = &self.placed
            && after < placed.checkpoint.sequence
        {
            return Err(compacted(placed.checkpoint.sequence));
        }
        let mut found = Vec::new();
        if after >= self.records.tip.sequence {
            return match self.access {
                Access::Read { damage: Some(offset) } => Err(self.damaged(offset)),
                Access::Read { damage: None } | Access::Write | Access::Lost => Ok(found),
            };
        }
        let end = self.records.end;
        let mut window = Window::new(&self.file, end);
        let mut offset = self.place_of(after + 1);
        let (mut bytes, mut reached) = (0, after);
        while offset < end {
            let record = window.record(offset, self.marker);
            let record = record.map_err(|error| storage_error("reading", &self.path, error))?;
            let Some((head, body)) = record.filter(|(head, _)| head.sequence <= reached + 1) else {
                return Err(self.damaged(offset));
            };
            for (sequence, (commit, segment)) in (head.sequence..).zip(format::segments(body)) {
                if sequence <= reached {
                    continue;
                }
                if !found.is_empty() && bytes >= max_bytes {
                    self.reached = (reached, offset);
                    return Ok(found);
                }
                bytes += segment.len();
                reached = sequence;
                found.push(Segment { sequence, commit, bytes: segment.to_vec() });
            }
            offset += HEAD_BYTES as u64 + u64::from(head.length);
        }
        self.reached = (reached, offset);
        Ok(found)
    }

    /// Where to begin looking for a segment: at its record, or at one before it.
    fn place_of(&self, sequence: u64) -> u64 {
        if self.reached.0 + 1 == sequence {
            return self.reached.1;
        }
        let index = &self.records.index;
        let after = index.partition_point(|(first, _)| *first <= sequence);
        let start = self.placed.map_or(HEADER_BYTES as u64, |placed| placed.end);
        after.checked_sub(1).and_then(|at| index.get(at)).map_or(start, |(_, offset)| *offset)
    }

    pub(crate) fn checkpoint(&self) -> Result<Option<Checkpoint>> {
        self.readable()?;
        Ok(self.placed.map(|placed| placed.checkpoint))
    }

    /// Reads a part of the checkpoint.
    pub(crate) fn part(&mut self, checkpoint: Checkpoint, number: u64) -> Result<Option<Vec<u8>>> {
        self.readable()?;
        let Some(placed) = self.placed.filter(|placed| placed.checkpoint == checkpoint) else {
            return Err(compacted(self.placed.map_or(0, |placed| placed.checkpoint.sequence)));
        };
        if number >= placed.parts.into() {
            return Ok(None);
        }
        let mut window = Window::new(&self.file, placed.end);
        loop {
            // Parts are found one after the other, and each is asked for after the one before.
            let known = self.parts.len() as u64 - 1;
            let at = number.min(known);
            let offset = usize::try_from(at).ok().and_then(|at| self.parts.get(at)).copied();
            let offset = offset.unwrap_or(placed.end);
            let record = window.record(offset, self.marker);
            let record = record.map_err(|error| storage_error("reading", &self.path, error))?;
            let sound = record.filter(|(head, _)| head.segments == 0 && head.sequence == at);
            let Some((head, body)) = sound else {
                return Err(corrupt(&self.path, "a part of the checkpoint is damaged", offset));
            };
            if at == known {
                self.parts.push(offset + HEAD_BYTES as u64 + u64::from(head.length));
            }
            if at == number {
                return Ok(Some(body.to_vec()));
            }
        }
    }

    /// Begins a checkpoint; `None` if one of the same or a later commit is there.
    pub(crate) fn draft(&mut self, checkpoint: Checkpoint) -> Result<Option<Draft>> {
        self.writable()?;
        if self.placed.is_some_and(|placed| placed.checkpoint.sequence >= checkpoint.sequence) {
            return Ok(None);
        }
        let tip = self.records.tip;
        if checkpoint.sequence > tip.sequence
            || checkpoint.sequence == 0
            || (checkpoint.sequence == tip.sequence && checkpoint.tip() != tip)
        {
            let message = "a checkpoint of a commit that is not in the journal";
            return Err(DagError::new(ErrorKind::InvalidArgument, message));
        }
        Draft::begin(draft_of(&self.path), self.marker, checkpoint, &self.drafts).map(Some)
    }

    /// Puts a checkpoint, and the segments after it, in the place of the file.
    pub(crate) fn switch(&mut self, mut draft: Draft) -> Result<bool> {
        self.writable()?;
        let newest =
            self.placed.is_none_or(|it| it.checkpoint.sequence < draft.checkpoint.sequence);
        if !newest || !draft.is_latest() {
            return Ok(false);
        }
        let next = draft.checkpoint.sequence + 1;
        let from = self.record_with(next)?;
        let placed = draft.placed();
        let header = Header { marker: self.marker, placed: Some(placed) };
        let written = (|| {
            self.file.seek(SeekFrom::Start(from))?;
            io::copy(&mut (&self.file).take(self.records.end - from), &mut draft.file)?;
            draft.file.seek(SeekFrom::Start(0))?;
            draft.file.write_all(&header.write())?;
            draft.file.sync_all()?;
            fs::rename(&draft.path, &self.path)
        })();
        written.map_err(|error| storage_error("writing", &draft.path, error))?;
        if let Err(error) = sync_folder_of(&self.path) {
            // After a loss of power the file could be the old one, and what is appended from now on lost.
            self.access = Access::Lost;
            return Err(self.unknown("switching to the checkpoint of", error));
        }
        self.file = draft.file.try_clone().map_err(|error| {
            self.access = Access::Lost;
            self.unknown("switching to the checkpoint of", error)
        })?;
        let index = self.records.index.iter().filter(|(_, offset)| *offset >= from);
        let index = index.map(|(first, offset)| (*first, offset - from + placed.end)).collect();
        self.records.index = index;
        self.records.end = self.records.end - from + placed.end;
        self.placed = Some(placed);
        self.parts = vec![HEADER_BYTES as u64];
        self.reached = (placed.checkpoint.sequence, placed.end);
        Ok(true)
    }

    /// Where the record with a segment begins; the end if there is none.
    fn record_with(&self, sequence: u64) -> Result<u64> {
        if sequence > self.records.tip.sequence {
            return Ok(self.records.end);
        }
        let mut window = Window::new(&self.file, self.records.end);
        let mut offset = self.place_of(sequence);
        loop {
            let record = window.record(offset, self.marker);
            let record = record.map_err(|error| storage_error("reading", &self.path, error))?;
            let Some((head, _)) = record else {
                return Err(self.damaged(offset));
            };
            if sequence < head.sequence + u64::from(head.segments) {
                return Ok(offset);
            }
            offset += HEAD_BYTES as u64 + u64::from(head.length);
        }
    }

    fn writable(&self) -> Result<()> {
        match self.access {
            Access::Write => Ok(()),
            Access::Lost => Err(needs_reopen()),
            Access::Read { .. } => Err(DagError::new(
                ErrorKind::InvalidArgument,
                "the journal was opened to be read only",
            )),
        }
    }

    fn readable(&self) -> Result<()> {
        match self.access {
            Access::Write | Access::Read { .. } => Ok(()),
            Access::Lost => Err(needs_reopen()),
        }
    }

    fn damaged(&self, offset: u64) -> DagError {
        corrupt(&self.path, "a record is damaged, and later ones are there", offset)
    }

    fn unknown(&self, what: &str, error: io::Error) -> DagError {
        let path = self.path.display();
        let message =
            format!("{what} {path} failed, and whether it happened is unknown: open it again");
        DagError::new(ErrorKind::OutcomeUnknown, message).with_source(error)
    }
}

impl Records {
    /// Takes the record at the end, if it is sound.
    fn take(&mut self, window: &mut Window<'_>, marker: Marker) -> io::Result<bool> {
        let Some((head, body)) = window.record(self.end, marker)? else {
            return Ok(false);
        };
        let (mut count, mut bytes, mut last) = (0, 0, None);
        for (commit, segment) in format::segments(body) {
            (count, last) = (count + 1, Some(commit));
            bytes += format::SEGMENT_HEAD_BYTES + segment.len();
        }
        let next = self.tip.sequence + 1;
        // After a checkpoint the first record may begin with commits before it.
        let follows = head.sequence == next || (self.index.is_empty() && head.sequence < next);
        let final_number = head.sequence.saturating_add(count).saturating_sub(1);
        let sound = follows
            && count > 0
            && count == u64::from(head.segments)
            && bytes == body.len()
            && (next..=LAST_SEQUENCE).contains(&final_number);
        if sound {
            let length = HEAD_BYTES as u64 + u64::from(head.length);
            self.grew(
                head.sequence,
                self.end,
                length,
                Tip { sequence: final_number, commit: last },
            );
        }
        Ok(sound)
    }

    fn grew(&mut self, first: u64, offset: u64, bytes: u64, tip: Tip) {
        if self.index.last().is_none_or(|(_, last)| offset - last >= STRIDE) {
            self.index.push((first, offset));
        }
        self.end = offset + bytes;
        self.tip = tip;
    }
}

impl Drop for Log {
    fn drop(&mut self) {
        if let Access::Write | Access::Lost = self.access {
            // A checkpoint in the midst of being written finds that the name is no longer its own.
            self.drafts.fetch_add(1, Ordering::SeqCst);
            drop(fs::remove_file(draft_of(&self.path)));
        }
    }
}

/// A checkpoint that is being written, in a file beside the journal. Removed if it is dropped unfinished.
#[derive(Debug)]
pub(crate) struct Draft {
    path: PathBuf,
    file: File,
    marker: Marker,
    checkpoint: Checkpoint,
    parts: u32,
    end: u64,
    number: u64,
    drafts: Arc<AtomicU64>,
}

impl Draft {
    fn begin(
        path: PathBuf,
        marker: Marker,
        checkpoint: Checkpoint,
        drafts: &Arc<AtomicU64>,
    ) -> Result<Self> {
        let number = drafts.fetch_add(1, Ordering::SeqCst) + 1;
        let created = (|| {
            match fs::remove_file(&path) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
                _ => {}
            }
            let mut file =
                OpenOptions::new().read(true).write(true).create_new(true).open(&path)?;
            file.write_all(&[0; HEADER_BYTES])?;
            Ok(file)
        })();
        let file = created.map_err(|error| storage_error("creating", &path, error))?;
        let end = HEADER_BYTES as u64;
        Ok(Draft { path, file, marker, checkpoint, parts: 0, end, number, drafts: drafts.clone() })
    }

    /// Adds a part, of any length.
    pub(crate) fn add(&mut self, part: &[u8]) -> Result<()> {
        for piece in part.chunks(LONGEST_PART) {
            let record = format::record_of_part(self.parts, piece, self.marker)?;
            let written = self.file.write_all(&record);
            written.map_err(|error| storage_error("writing", &self.path, error))?;
            self.end += record.len() as u64;
            self.parts = self.parts.saturating_add(1);
        }
        Ok(())
    }

    fn placed(&self) -> Placed {
        Placed { checkpoint: self.checkpoint, parts: self.parts, end: self.end }
    }

    /// Whether no other was begun since: that one has the file's name.
    fn is_latest(&self) -> bool {
        self.drafts.load(Ordering::SeqCst) == self.number
    }
}

impl Drop for Draft {
    fn drop(&mut self) {
        if self.is_latest() {
            // Once it has become the journal, it no longer has this name. What stays, opening removes.
            drop(fs::remove_file(&self.path));
        }
    }
}

/// Whether the head of a record with later segments than `next` stands after an offset.
///
/// A record is only begun once the one before it is on the medium. So where a later one was begun, a
/// record that is not sound has been damaged since; and where none was, it may be a write that broke off.
fn later_head(window: &mut Window<'_>, marker: Marker, from: u64, next: u64) -> io::Result<bool> {
    let mut offset = from + 1;
    while let Some(found) = window.find(offset, marker)? {
        let head = window.array::<HEAD_BYTES>(found)?.and_then(|head| Head::read(&head, marker));
        if head.is_some_and(|head| head.segments > 0 && head.sequence > next) {
            return Ok(true);
        }
        offset = found + 1;
    }
    Ok(false)
}

/// The path of the file itself, whatever links lead there: lock and checkpoint go by it.
fn resolve(path: &Path) -> Result<PathBuf> {
    let resolved = match fs::canonicalize(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            let name = path.file_name().ok_or(io::ErrorKind::InvalidInput);
            name.map_err(Into::into)
                .and_then(|name| Ok(fs::canonicalize(folder_of(path))?.join(name)))
        }
        resolved => resolved,
    };
    resolved.map_err(|error| storage_error("opening", path, error))
}

/// Makes an empty journal, which is there as a whole or not at all.
fn create(path: &Path) -> io::Result<()> {
    let draft = draft_of(path);
    let header = Header { marker: platform::random(), placed: None };
    let mut file = File::create_new(&draft)?;
    file.write_all(&header.write())?;
    file.sync_all()?;
    fs::rename(&draft, path)?;
    sync_folder_of(path)
}

fn draft_of(path: &Path) -> PathBuf {
    with_suffix(path, ".new")
}

fn folder_of(path: &Path) -> &Path {
    path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

/// Makes a new name last. Windows does that by itself, and opens no folders.
fn sync_folder_of(path: &Path) -> io::Result<()> {
    if cfg!(windows) {
        return Ok(());
    }
    File::open(folder_of(path))?.sync_all()
}

fn refuse(path: &Path, why: NoHeader) -> DagError {
    match why {
        NoHeader::Broken => corrupt(path, "not a journal, or its header is damaged", 0),
        NoHeader::Later(version) => DagError::new(
            ErrorKind::UnsupportedVersion,
            format!(
                "{} has format {version} of journal files; update the library to read it",
                path.display()
            ),
        ),
    }
}

fn corrupt(path: &Path, what: &str, offset: u64) -> DagError {
    let message = format!("{}: {what}", path.display());
    DagError::new(ErrorKind::Corrupt, message).with_offset(offset)
}

fn compacted(sequence: u64) -> DagError {
    let message = format!("a checkpoint stands in the place of the commits up to {sequence}");
    DagError::new(ErrorKind::Compacted, message)
}

fn needs_reopen() -> DagError {
    DagError::new(
        ErrorKind::NeedsReopen,
        "an earlier write failed so that what is written is unknown: open the journal again",
    )
}
