//! The tests, suite by suite, and the table at their end.

mod explorer;
mod javascript;
mod links;
mod postgres;
mod runtimes;
mod rust;
mod snippets;

use std::cell::RefCell;
use std::process::Command;
use std::time::Instant;

use anyhow::Result;
use clap::ValueEnum;

use crate::run;
use crate::suites::javascript::Package;
use crate::table::Table;
use crate::workspace::Workspace;

/// Told to every test that has a longer version.
const FULL_VARIABLE: &str = "DAG_STORE_FULL";

/// A suite of tests.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Suite {
    /// Formatting
    Fmt,
    /// Clippy, natively and for wasm, warnings as errors
    Clippy,
    /// The API references of the crate and of the npm package, warnings as errors
    Doc,
    /// The links in all texts
    Links,
    /// Every combination of features builds, natively and for wasm
    Features,
    /// The oldest Rust that we promise
    Msrv,
    /// Rust tests with the default features, with none, and with tokio
    Rust,
    /// The journal in `PostgreSQL`, on a real server: lints, docs, Rust tests, and the npm package beside them
    Postgres,
    /// The store in `RocksDB`, with its lints and docs, and processes killed while they commit. Runs only when named or
    /// with `--full`: building the C++ takes 15 minutes, once
    Rocksdb,
    /// Rust tests on wasm, in Node
    Wasm,
    /// The fixed vectors, against an independent implementation
    Vectors,
    /// The npm package, from its tarball, in Node
    Js,
    /// Processes killed while they commit, natively and in Node
    Kill,
    /// The whole suite in every runtime, from the tarball; `test runtimes NAME…` runs some
    Runtimes,
    /// The explorer in Chromium and Firefox, with pictures in target/explorer
    Explorer,
    /// The code in all texts, as printed
    Snippets,
    /// The demo, on this clone's history and on a small file
    Demo,
    /// The instructions that operations take, as valgrind counts them, against those kept in benches/counts.toml
    Counts,
    /// Every benchmark for a moment: that it works, not how fast
    Bench,
}

/// What came of a suite's tests.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Tally {
    passed: usize,
    failed: usize,
}

impl Tally {
    fn of(passed: bool) -> Self {
        Self { passed: usize::from(passed), failed: usize::from(!passed) }
    }

    fn add(&mut self, other: Self) {
        self.passed += other.passed;
        self.failed += other.failed;
    }
}

/// Runs the suites, all (but one that is only for `--full`) when none is named, and so for the runtimes; whether
/// every test passed.
pub(crate) fn test(
    workspace: &Workspace,
    named: &[Suite],
    runtimes: &[String],
    full: bool,
) -> bool {
    let all =
        Suite::value_variants().iter().copied().filter(|suite| full || *suite != Suite::Rocksdb);
    let suites = if named.is_empty() { all.collect() } else { named.to_vec() };
    let bench = Bench { workspace, runtimes, full, failures: RefCell::default() };
    let mut package = Package::new(workspace);
    let mut table = Table::new(&["suite", "passed", "failed", "seconds"]);
    let mut total = Tally::default();
    for suite in suites {
        let name = suite.to_possible_value().map(|it| it.get_name().to_owned()).unwrap_or_default();
        println!("\n── {name}");
        let start = Instant::now();
        // A suite that can't be run, for want of a tool or of the package, is a failure.
        let tally = bench.run(suite, &mut package).unwrap_or_else(|error| {
            bench.failed(&format!("{name}: {error:#}"));
            Tally::of(false)
        });
        total.add(tally);
        let seconds = start.elapsed().as_secs();
        table.row(
            [name].into_iter().chain(
                [tally.passed, tally.failed]
                    .map(|count| count.to_string())
                    .into_iter()
                    .chain([seconds.to_string()]),
            ),
        );
    }
    println!("\n{table}");
    // Once more, for whoever sees only the end of it.
    for failure in bench.failures.take() {
        println!("FAILED: {failure}");
    }
    println!("{} passed, {} failed", total.passed, total.failed);
    total.failed == 0 && total.passed > 0
}

/// What every suite needs.
#[derive(Debug)]
struct Bench<'a> {
    workspace: &'a Workspace,
    runtimes: &'a [String],
    full: bool,
    /// What has failed so far, a line each.
    failures: RefCell<Vec<String>>,
}

impl Bench<'_> {
    fn run(&self, suite: Suite, package: &mut Package<'_>) -> Result<Tally> {
        match suite {
            Suite::Fmt => self.fmt(),
            Suite::Clippy => self.clippy(),
            Suite::Doc => self.doc(),
            Suite::Links => self.links(),
            Suite::Features => self.features(),
            Suite::Msrv => self.msrv(),
            Suite::Rust => self.rust(),
            Suite::Postgres => self.postgres(package),
            Suite::Rocksdb => self.rocksdb(),
            Suite::Wasm => self.wasm(),
            Suite::Vectors => self.vectors(package),
            Suite::Js => self.js(package),
            Suite::Kill => self.kill(package),
            Suite::Runtimes => self.runtimes(package),
            Suite::Explorer => self.explorer(package),
            Suite::Snippets => self.snippets(package),
            Suite::Demo => self.demo(package),
            Suite::Counts => self.counts(),
            Suite::Bench => self.benchmarks(package),
        }
    }

    /// Tells of a failure, now and at the end.
    fn failed(&self, what: &str) {
        println!("  FAILED: {what}");
        self.failures.borrow_mut().push(what.to_owned());
    }

    /// A command that passes or fails as one test.
    fn check(&self, log: &str, what: &str, command: &mut Command) -> Result<Tally> {
        run::say(what);
        let run = run::log(self.workspace, log, command)?;
        if !run.status.success() {
            self.failed(what);
            run.show();
        }
        Ok(Tally::of(run.status.success()))
    }

    /// A command that runs many tests and prints how many; `count` reads that. No test at all, and
    /// one that was skipped, are failures.
    fn counted(
        &self,
        log: &str,
        what: &str,
        command: &mut Command,
        count: impl Fn(&str) -> Tally,
    ) -> Result<Tally> {
        run::say(what);
        if self.full {
            command.env(FULL_VARIABLE, "1");
        }
        let run = run::log(self.workspace, log, command)?;
        let mut tally = count(&run.output);
        let silent = tally.passed + tally.failed == 0;
        if tally.failed == 0 && (silent || !run.status.success()) {
            tally.failed = 1;
        }
        if tally.failed > 0 {
            let names: Vec<_> = failing(&run.output).take(SHOWN_NAMES).collect();
            self.failed(&format!("{what}: {}", names.join("; ")));
            run.show();
        }
        Ok(tally)
    }
}

/// How many tests that failed are named at the end.
const SHOWN_NAMES: usize = 20;

/// The tests that failed, by what Rust's and Node's test runners print.
fn failing(output: &str) -> impl Iterator<Item = &str> {
    let rust = output.lines().filter(|line| line.ends_with(" FAILED") && line.starts_with("test "));
    let node = output.lines().skip_while(|line| *line != "✖ failing tests:").skip(1);
    rust.chain(node.filter(|line| line.starts_with('✖')))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn those_that_failed_are_named() {
        let rust = "test a ... ok\ntest b ... FAILED\n\ntest result: FAILED. 1 passed; 1 failed;";
        assert_eq!(failing(rust).collect::<Vec<_>>(), ["test b ... FAILED"]);
        let node = "✔ a (1ms)\n✖ b (1ms)\nℹ fail 1\n\n✖ failing tests:\n\ntest at x\n✖ b (1ms)\n";
        assert_eq!(failing(node).collect::<Vec<_>>(), ["✖ b (1ms)"]);
    }
}
