//! The conformance suite of stores as tests with names.

use dag_store::conformance::{Lab, checks};
use futures::executor::block_on;
use libtest_mimic::Trial;

/// A test for each check, on the stores of this lab.
pub(crate) fn trials(kind: &'static str, lab: Lab) -> impl Iterator<Item = Trial> {
    checks().map(move |check| {
        let lab = lab.clone();
        let trial = Trial::test(check.name(), move || {
            block_on(check.run(&lab))
                .map_err(|failure| format!("{failure}\nthe rule: {}", check.rule()).into())
        });
        trial.with_kind(kind)
    })
}
