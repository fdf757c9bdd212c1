//! The conformance suite of journals on those that are in the crate: one test per check, by its name.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::process::ExitCode;
use std::sync::Arc;

use dag_store::conformance::{JournalLab, journal_checks};
use dag_store::{Journal, MemoryJournal, Result};
use futures::executor::block_on;
use libtest_mimic::{Arguments, Trial, run};

#[path = "journals/late.rs"]
mod late;

use late::LateJournal;

/// A lab for journals that live in memory, each of which is opened as this says.
fn lab<J: Journal + 'static>(
    open: impl Fn(MemoryJournal) -> J + Send + Sync + 'static,
) -> JournalLab {
    let media: Vec<_> = (0..JournalLab::MEDIA).map(|_| MemoryJournal::new()).collect();
    JournalLab::new(move |number: usize| {
        let journal: Arc<dyn Journal> = Arc::new(open(media[number].clone()));
        async { Result::Ok(journal) }
    })
}

/// A test for each check, on the journals of this lab.
fn trials(kind: &'static str, lab: JournalLab) -> impl Iterator<Item = Trial> {
    journal_checks().map(move |check| {
        let lab = lab.clone();
        let trial = Trial::test(check.name(), move || {
            block_on(check.run(&lab))
                .map_err(|failure| format!("{failure}\nthe rule: {}", check.rule()).into())
        });
        trial.with_kind(kind)
    })
}

/// A lab for journals in the files of a folder.
#[cfg(not(target_family = "wasm"))]
fn files(folder: &std::path::Path) -> JournalLab {
    let folder = folder.to_owned();
    JournalLab::new(move |number: usize| {
        let path = folder.join(number.to_string());
        async {
            let journal: Arc<dyn Journal> = Arc::new(dag_store::FileJournal::open(path).await?);
            Result::Ok(journal)
        }
    })
}

fn main() -> ExitCode {
    let trials =
        trials("memory", lab(|journal| journal)).chain(trials("late", lab(LateJournal::new)));
    // In memory where there is such a folder: thousands of writes are synced here.
    #[cfg(not(target_family = "wasm"))]
    let folder = {
        let memory = Some("/dev/shm".into()).filter(|folder: &std::path::PathBuf| folder.is_dir());
        let name = format!("dag-store-journals-{}", std::process::id());
        memory.unwrap_or_else(std::env::temp_dir).join(name)
    };
    #[cfg(not(target_family = "wasm"))]
    let trials = {
        std::fs::create_dir(&folder).unwrap();
        trials.chain(self::trials("file", files(&folder)))
    };
    let conclusion = run(&Arguments::from_args(), trials.collect());
    #[cfg(not(target_family = "wasm"))]
    std::fs::remove_dir_all(&folder).unwrap();
    conclusion.exit_code()
}
