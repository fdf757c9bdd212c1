//! Who may write a journal: one process, named in a file beside it.
//!
//! No operating system lock would do, since JavaScript can't take one. So the lock is a file `JOURNAL.lock`
//! which names its holder, made by a hard link, so that it is there as a whole or not at all. A holder that
//! is gone can be succeeded: whoever links its own name to `JOURNAL.lock.<id of that lock>` first is the
//! holder, and then puts its name in the lock's place. `docs/spec.md` has the steps, and why two can't do so.

use std::fmt::Write;
use std::fs::{self, File};
use std::io::{self, Read as _, Write as _};
use std::path::{Path, PathBuf};

use crate::file_journal::process::{Life, Place, Process};
use crate::file_journal::storage_error;
use crate::{DagError, ErrorKind, Result, platform};

/// What a lock file begins with.
const FIRST_LINE: &str = "dag-store lock 1";
/// Longer than any lock file.
const LONGEST: u64 = 4096;
/// How often others may come and go while the lock is being taken. Far more than ever happens.
const ROUNDS: usize = 1_000;

/// The right to write a journal, until it is dropped.
#[derive(Debug)]
pub(crate) struct Lock {
    path: PathBuf,
}

/// What a lock file, or a claim on one, turned out to be.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Found {
    Nothing,
    /// A file that names nobody.
    Nameless,
    Name(Name),
}

/// One lock file's content.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Name {
    /// Of this one taking of the lock: 16 hexadecimal digits.
    id: String,
    process: Process,
}

impl Lock {
    /// Takes the lock of a journal; [`ErrorKind::Locked`] if another process, or this one, has it.
    pub(crate) fn take(journal: &Path) -> Result<Self> {
        Self::take_as(journal, &Process::own())
    }

    fn take_as(journal: &Path, process: &Process) -> Result<Self> {
        let name = Name { id: fresh_id(), process: process.clone() };
        let lock = Lock { path: with_suffix(journal, ".lock") };
        let own = with_suffix(&lock.path, &format!(".{}.new", name.id));
        let taken = write(&own, &name.to_text())
            .map_err(|error| storage_error("writing", &own, error))
            .and_then(|()| lock.contend(journal, &own, &name.process.place));
        // Where it became the lock by renaming, it is no longer there.
        drop(fs::remove_file(&own));
        match taken {
            Ok(()) => Ok(lock),
            Err(error) => {
                // Not ours: not to be removed.
                std::mem::forget(lock);
                Err(error)
            }
        }
    }

    /// Takes the lock with the file `own`, or says who has it.
    fn contend(&self, journal: &Path, own: &Path, place: &Place) -> Result<()> {
        let failed = |error| storage_error("taking the lock", &self.path, error);
        for _ in 0..ROUNDS {
            if link(own, &self.path).map_err(failed)? {
                return Ok(());
            }
            let first = read(&self.path).map_err(failed)?;
            let (holder, claims) = match &first {
                Found::Nothing => continue,
                Found::Nameless => (None, Vec::new()),
                Found::Name(name) => self.succession(name.clone()).map_err(failed)?,
            };
            let life = holder.as_ref().map_or(Life::Unknown, |it| it.process.life(place));
            let (Some(holder), Life::Gone) = (&holder, life) else {
                return Err(self.held(journal, holder.as_ref(), life));
            };
            let claim = self.claim(&holder.id);
            if !link(own, &claim).map_err(failed)? {
                continue;
            }
            // Where the lock is still the one that was read, no claim on it has been removed since, so
            // this one is the first on its holder.
            if read(&self.path).map_err(failed)? != first {
                drop(fs::remove_file(&claim));
                continue;
            }
            if let Err(error) = fs::rename(own, &self.path) {
                drop(fs::remove_file(&claim));
                return Err(failed(error));
            }
            for passed in claims.iter().chain([&claim]) {
                drop(fs::remove_file(passed));
            }
            return Ok(());
        }
        Err(DagError::new(
            ErrorKind::Locked,
            format!("{} is opened by others again and again; try again", journal.display()),
        ))
    }

    /// The last of those who succeeded one another, beginning with the one in the lock, and the claims on
    /// the way. No holder where one of them names nobody.
    fn succession(&self, first: Name) -> io::Result<(Option<Name>, Vec<PathBuf>)> {
        let (mut holder, mut claims) = (first, Vec::new());
        loop {
            let claim = self.claim(&holder.id);
            match read(&claim)? {
                Found::Name(next) if claims.len() < ROUNDS => holder = next,
                Found::Name(_) | Found::Nameless => return Ok((None, claims)),
                Found::Nothing => return Ok((Some(holder), claims)),
            }
            claims.push(claim);
        }
    }

    fn claim(&self, id: &str) -> PathBuf {
        with_suffix(&self.path, &format!(".{id}"))
    }

    fn held(&self, journal: &Path, holder: Option<&Name>, life: Life) -> DagError {
        let who = match holder {
            None => "somebody whose name in it can't be read".to_owned(),
            Some(Name { process, .. })
                if process.pid == std::process::id() && life == Life::Running =>
            {
                "this process; close what has it open first".to_owned()
            }
            Some(Name { process, .. }) => {
                let mut who = format!("process {}", process.pid);
                if !process.place.machine.is_empty() {
                    let _ = write!(who, " on {}", process.place.machine);
                }
                who
            }
        };
        let (journal, lock) = (journal.display(), self.path.display());
        let message = match life {
            Life::Running => format!("{journal} is open in {who}"),
            Life::Gone | Life::Unknown => format!(
                "{journal} is locked by {who}, and whether that still runs can't be told from here; \
                 if it surely does not, remove {lock}"
            ),
        };
        DagError::new(ErrorKind::Locked, message)
    }
}

impl Drop for Lock {
    fn drop(&mut self) {
        // If it can't be removed, the next one finds that this process is gone, or says what to remove.
        drop(fs::remove_file(&self.path));
    }
}

impl Name {
    fn to_text(&self) -> String {
        let Name { id, process: Process { pid, started, place } } = self;
        let Place { machine, boot, namespace } = place;
        format!(
            "{FIRST_LINE}\nid={id}\npid={pid}\nstarted={started}\nmachine={machine}\nboot={boot}\n\
             namespace={namespace}\n"
        )
    }

    fn from_text(text: &str) -> Option<Self> {
        let mut lines = text.lines();
        if lines.next() != Some(FIRST_LINE) {
            return None;
        }
        let mut value = |key: &str| lines.next()?.strip_prefix(key)?.strip_prefix('=');
        let id = value("id")?;
        if id.len() != 16 || !id.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return None;
        }
        let process = Process {
            pid: value("pid")?.parse().ok()?,
            started: value("started")?.to_owned(),
            place: Place {
                machine: value("machine")?.to_owned(),
                boot: value("boot")?.to_owned(),
                namespace: value("namespace")?.to_owned(),
            },
        };
        Some(Name { id: id.to_owned(), process })
    }
}

fn fresh_id() -> String {
    platform::random::<8>().iter().fold(String::new(), |mut id, byte| {
        let _ = write!(id, "{byte:02x}");
        id
    })
}

/// A path with something after its last name.
pub(crate) fn with_suffix(path: &Path, suffix: &str) -> PathBuf {
    let mut path = path.as_os_str().to_owned();
    path.push(suffix);
    path.into()
}

/// Writes a file that is to be a lock. It is on the medium before it gets the lock's name: after a power cut
/// an empty lock would be nobody's.
fn write(path: &Path, text: &str) -> io::Result<()> {
    let mut file = File::create_new(path)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()
}

/// Reads a lock file, or a claim on one.
fn read(path: &Path) -> io::Result<Found> {
    let file = match File::open(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Found::Nothing),
        opened => opened?,
    };
    let mut bytes = Vec::new();
    file.take(LONGEST).read_to_end(&mut bytes)?;
    Ok(Name::from_text(&String::from_utf8_lossy(&bytes)).map_or(Found::Nameless, Found::Name))
}

/// Gives a file a second name; `false` if something has that name.
fn link(file: &Path, name: &Path) -> io::Result<bool> {
    match fs::hard_link(file, name) {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(false),
        Err(error) => Err(error),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::process::{Child, Command, Stdio};
    use std::sync::Barrier;
    use std::thread;

    use super::*;

    /// A folder of its own for a test, with a name for a journal in it.
    struct Scratch(PathBuf);

    impl Scratch {
        fn new() -> Self {
            let folder = std::env::temp_dir().join(format!("dag-store-lock-{}", fresh_id()));
            fs::create_dir(&folder).unwrap();
            Scratch(folder)
        }

        fn journal(&self) -> PathBuf {
            self.0.join("j")
        }

        fn lock(&self) -> PathBuf {
            self.0.join("j.lock")
        }

        fn names(&self) -> BTreeSet<String> {
            let entries = fs::read_dir(&self.0).unwrap();
            entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
        }
    }

    impl Drop for Scratch {
        fn drop(&mut self) {
            fs::remove_dir_all(&self.0).unwrap();
        }
    }

    fn refused(taken: Result<Lock>) -> String {
        let error = taken.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Locked, "{error:?}");
        error.to_string()
    }

    /// Waits for its input to end, which it never does.
    fn running() -> Child {
        Command::new("cat").stdin(Stdio::piped()).stdout(Stdio::null()).spawn().unwrap()
    }

    /// A process that has ended, and what it was like while it ran.
    fn gone() -> Process {
        let mut child = running();
        let process = Process::with_pid(child.id());
        child.kill().unwrap();
        child.wait().unwrap();
        process
    }

    /// Leaves a lock as a process does that dies while it holds it.
    fn abandon(lock: Lock) {
        std::mem::forget(lock);
    }

    #[test]
    fn a_lock_is_had_once_and_given_back() {
        let scratch = Scratch::new();
        let lock = Lock::take(&scratch.journal()).unwrap();
        assert!(refused(Lock::take(&scratch.journal())).contains("in this process; close"));
        assert_eq!(scratch.names(), BTreeSet::from(["j.lock".to_owned()]));
        drop(lock);
        assert!(scratch.names().is_empty());
        drop(Lock::take(&scratch.journal()).unwrap());
    }

    #[test]
    fn a_holder_that_runs_is_named_and_one_that_is_gone_is_succeeded() {
        let scratch = Scratch::new();
        let mut child = running();
        abandon(Lock::take_as(&scratch.journal(), &Process::with_pid(child.id())).unwrap());
        let message = refused(Lock::take(&scratch.journal()));
        assert!(message.contains(&format!("is open in process {}", child.id())), "{message}");
        child.kill().unwrap();
        child.wait().unwrap();
        drop(Lock::take(&scratch.journal()).unwrap());
        assert!(scratch.names().is_empty());
    }

    #[test]
    fn a_holder_of_another_place_is_left_alone() {
        let scratch = Scratch::new();
        let mut process = gone();
        process.place.machine.push_str(" elsewhere");
        abandon(Lock::take_as(&scratch.journal(), &process).unwrap());
        let message = refused(Lock::take(&scratch.journal()));
        assert!(message.contains("elsewhere") && message.contains("remove"), "{message}");
        fs::remove_file(scratch.lock()).unwrap();
        drop(Lock::take(&scratch.journal()).unwrap());
    }

    #[test]
    fn a_lock_that_names_nobody_is_left_alone() {
        for text in ["", "dag-store lock 2\n", "dag-store lock 1\nid=../../etc/passwd\npid=1\n"] {
            let scratch = Scratch::new();
            fs::write(scratch.lock(), text).unwrap();
            assert!(refused(Lock::take(&scratch.journal())).contains("can't be read"));
            assert_eq!(fs::read_to_string(scratch.lock()).unwrap(), text);
        }
    }

    #[test]
    fn a_successor_that_died_on_the_way_is_succeeded() {
        let scratch = Scratch::new();
        let first = Name { id: fresh_id(), process: gone() };
        let second = Name { id: fresh_id(), process: gone() };
        write(&scratch.lock(), &first.to_text()).unwrap();
        write(&scratch.0.join(format!("j.lock.{}", first.id)), &second.to_text()).unwrap();
        let lock = Lock::take(&scratch.journal()).unwrap();
        assert_eq!(scratch.names(), BTreeSet::from(["j.lock".to_owned()]));
        drop(lock);
        // One that is still at it has the lock.
        write(&scratch.lock(), &first.to_text()).unwrap();
        let third = Name { id: fresh_id(), process: Process::own() };
        write(&scratch.0.join(format!("j.lock.{}", first.id)), &third.to_text()).unwrap();
        refused(Lock::take(&scratch.journal()));
    }

    #[test]
    fn of_many_that_want_the_lock_of_one_that_is_gone_one_gets_it() {
        const TAKERS: usize = 4;
        let dead = gone();
        for _ in 0..100 {
            let scratch = Scratch::new();
            abandon(Lock::take_as(&scratch.journal(), &dead).unwrap());
            let start = Barrier::new(TAKERS);
            let taken: Vec<_> = thread::scope(|scope| {
                let take = || {
                    start.wait();
                    Lock::take(&scratch.journal())
                };
                let takers: Vec<_> = (0..TAKERS).map(|_| scope.spawn(take)).collect();
                takers.into_iter().map(|taker| taker.join().unwrap()).collect()
            });
            let (had, missed): (Vec<_>, Vec<_>) = taken.into_iter().partition(Result::is_ok);
            assert_eq!(had.len(), 1);
            for missed in missed {
                refused(missed);
            }
            assert_eq!(scratch.names(), BTreeSet::from(["j.lock".to_owned()]));
            drop(had);
            assert!(scratch.names().is_empty());
        }
    }

    #[test]
    fn names_are_read_as_they_were_written() {
        let name = Name { id: fresh_id(), process: Process::own() };
        assert_eq!(Name::from_text(&name.to_text()), Some(name));
    }
}
