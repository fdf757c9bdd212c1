//! The contract of [`DagStore`] in code: what every storage must do, one [`Check`] per sentence.
//!
//! For those who write a storage of their own. The suite knows no runtime: a check is a plain future,
//! its concurrency is that of `join_all`, or of your threads if you hand it a [`Spawn`]. A check that
//! fails says where and why and never panics, and one whose preconditions don't hold fails too, so
//! that no check passes for want of anything to test.
//!
//! A store that never answers makes its check wait for ever; put a timeout around the run if your
//! storage may do that.
//!
//! This is test code, behind the feature `conformance`. It may grow checks in any release.
//!
//! # Examples
//!
//! A storage of your own takes the place of `SharedDagStore` here. What is asked for is a fresh and
//! empty store with these limits, each time.
//!
//! ```
//! use std::sync::Arc;
//! use dag_store::{DagStore, Limits, SharedDagStore, conformance};
//!
//! async fn open(limits: Limits) -> dag_store::Result<Arc<dyn DagStore>> {
//!     Ok(Arc::new(SharedDagStore::with_limits(limits)))
//! }
//!
//! # futures::executor::block_on(async {
//! let report = conformance::run(open).await;
//! println!("{report}");
//! assert!(report.passed());
//! # });
//! ```
//!
//! One test per check, each under its own name, is a loop over [`checks`]:
//!
//! ```
//! # use std::sync::Arc;
//! # use dag_store::{DagStore, Limits, SharedDagStore};
//! use dag_store::conformance::{self, Lab};
//! # async fn open(limits: Limits) -> dag_store::Result<Arc<dyn DagStore>> {
//! #     Ok(Arc::new(SharedDagStore::with_limits(limits)))
//! # }
//!
//! # futures::executor::block_on(async {
//! let lab = Lab::new(open);
//! for check in conformance::checks().filter(|check| check.name().starts_with("insert")) {
//!     check.run(&lab).await.map_err(|failure| format!("{}: {failure}", check.name()))?;
//! }
//! # Ok::<(), String>(())
//! # }).unwrap();
//! ```
//!
//! Journals have a suite of their own, [`journal_checks`], and [`FaultyJournal`] fails on command. A
//! journal worth its name passes both: its own checks, and those of the stores that are kept in it.
//!
//! ```
//! use std::sync::Arc;
//! use dag_store::{Journal, MemoryJournal, conformance};
//!
//! # futures::executor::block_on(async {
//! let media = vec![(); conformance::JournalLab::MEDIA];
//! let media: Vec<_> = media.iter().map(|()| MemoryJournal::new()).collect();
//! let report = conformance::run_journal(move |number: usize| {
//!     let journal: Arc<dyn Journal> = Arc::new(media[number].clone());
//!     async { Ok(journal) }
//! })
//! .await;
//! println!("{report}");
//! assert!(report.passed());
//! # });
//! ```
//!
//! [`DagStore`]: crate::DagStore

use std::fmt;

use crate::BoxFuture;

mod batches;
mod cancellation;
mod cars;
mod concurrency;
mod conditions;
mod copies;
mod counts;
mod failure;
mod faulty;
#[cfg(threads)]
mod faulty_engine;
mod graph;
mod hashes;
mod journals;
mod lab;
mod lifecycle;
mod limits;
mod lists;
mod model;
mod nodes;
mod order;
mod proofs;
mod relations;
mod sample;
mod tree;
mod walks;
mod watching;

pub use failure::{Failure, Outcome};
pub use faulty::{Fault, Faults, FaultyJournal};
#[cfg(threads)]
pub use faulty_engine::{FaultyEngine, FaultySnapshot};
pub use journals::{JournalFactory, JournalLab, journal_checks, run_journal};
pub use lab::{Factory, Lab, Spawn};

/// One sentence of the contract, and the experiment that tells whether a store (or, in a
/// [`JournalLab`], a journal) keeps it.
pub struct Check<L: 'static = Lab> {
    name: &'static str,
    rule: &'static str,
    experiment: fn(L) -> BoxFuture<'static, Outcome>,
}

impl<L: Clone> Check<L> {
    /// The check's name, a Rust identifier.
    #[must_use]
    pub fn name(&self) -> &'static str {
        self.name
    }

    /// The sentence of the contract that it checks.
    #[must_use]
    pub fn rule(&self) -> &'static str {
        self.rule.trim()
    }

    /// Runs the check on stores, or journals, from this lab.
    ///
    /// # Errors
    ///
    /// A [`Failure`] where the rule is broken, or where the check would have shown nothing.
    pub async fn run(&self, lab: &L) -> Outcome {
        (self.experiment)(lab.clone()).await
    }
}

impl<L> fmt::Debug for Check<L> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Check")
            .field("name", &self.name)
            .field("rule", &self.rule.trim())
            .finish_non_exhaustive()
    }
}

/// A table of checks: the sentence, then the function below it that checks it.
macro_rules! contract {
    (@ $lab:ty; $($(#[doc = $rule:literal])+ $name:ident,)+) => {
        pub(super) const CHECKS: &[$crate::conformance::Check<$lab>] = &[$(
            $crate::conformance::Check {
                name: stringify!($name),
                rule: concat!($($rule,)+),
                experiment: |lab| Box::pin($name(lab)),
            },
        )+];
    };
    ($($rules:tt)+) => { contract! { @ $crate::conformance::Lab; $($rules)+ } };
}
use contract;

/// Every check, in the order of the contract.
pub fn checks() -> impl Iterator<Item = &'static Check> {
    [
        nodes::CHECKS,
        order::CHECKS,
        lists::CHECKS,
        counts::CHECKS,
        graph::CHECKS,
        walks::CHECKS,
        batches::CHECKS,
        conditions::CHECKS,
        limits::CHECKS,
        hashes::CHECKS,
        proofs::CHECKS,
        tree::CHECKS,
        cars::CHECKS,
        copies::CHECKS,
        watching::CHECKS,
        lifecycle::CHECKS,
        concurrency::CHECKS,
        cancellation::CHECKS,
    ]
    .into_iter()
    .flatten()
}

/// Runs every check, one after the other, on stores from this factory.
pub async fn run(factory: impl Factory + 'static) -> Report {
    run_in(&Lab::new(factory)).await
}

/// Runs every check in this lab, which may bring threads of its own.
pub async fn run_in(lab: &Lab) -> Report {
    Report::of(checks(), lab).await
}

/// What became of every check. Printed, it has a line for each.
#[derive(Debug)]
pub struct Report<L: 'static = Lab> {
    results: Vec<(&'static Check<L>, Outcome)>,
}

impl<L: Clone> Report<L> {
    async fn of(checks: impl Iterator<Item = &'static Check<L>>, lab: &L) -> Self {
        let mut results = Vec::new();
        for check in checks {
            results.push((check, check.run(lab).await));
        }
        Report { results }
    }

    /// Whether no check failed.
    #[must_use]
    pub fn passed(&self) -> bool {
        self.failures().next().is_none()
    }

    /// The checks that failed, and why.
    pub fn failures(&self) -> impl Iterator<Item = (&'static Check<L>, &Failure)> {
        self.results.iter().filter_map(|(check, outcome)| Some((*check, outcome.as_ref().err()?)))
    }

    /// Every check with its outcome, in the order they ran.
    pub fn results(&self) -> impl Iterator<Item = (&'static Check<L>, &Outcome)> {
        self.results.iter().map(|(check, outcome)| (*check, outcome))
    }
}

impl<L: Clone> fmt::Display for Report<L> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (check, outcome) in self.results() {
            match outcome {
                Ok(()) => writeln!(f, "ok      {}", check.name())?,
                Err(failure) => {
                    writeln!(f, "FAILED  {}: {failure}", check.name())?;
                    writeln!(f, "        the rule: {}", check.rule())?;
                }
            }
        }
        let (all, failed) = (self.results.len(), self.failures().count());
        write!(f, "{all} checks: {} passed, {failed} failed", all - failed)
    }
}
