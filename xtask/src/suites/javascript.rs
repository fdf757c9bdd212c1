//! The suites that Node runs, with the package as a user has it.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Result, anyhow, ensure};

use super::{Bench, Tally};
use crate::bench::{Effort, bench_with};
use crate::cargo;
use crate::consumer::Consumer;
use crate::demo::{Input, demo_with};
use crate::npm::{Tools, link};
use crate::pack::{pack, pack_elsewhere, pack_faults};
use crate::run;
use crate::workspace::{Workspace, files_below};

/// Folders of tests that have suites of their own.
const APART: [&str; 4] = ["vectors", "kill", "postgres", "explorer"];

/// The program for tests to kill.
const KILL_WORKER: &str = "kill_worker";

/// The package, packed when the first suite wants it.
#[derive(Debug)]
pub(super) struct Package<'a> {
    workspace: &'a Workspace,
    /// The tarball, or why there is none: another try would only take as long.
    tarball: Option<Result<PathBuf, String>>,
    /// That of the twin that fails on command.
    faults: Option<Result<PathBuf, String>>,
}

impl<'a> Package<'a> {
    pub(super) fn new(workspace: &'a Workspace) -> Self {
        Self { workspace, tarball: None, faults: None }
    }

    pub(super) fn tarball(&mut self) -> Result<PathBuf> {
        once(&mut self.tarball, || pack(self.workspace))
    }

    pub(super) fn faults(&mut self) -> Result<PathBuf> {
        once(&mut self.faults, || pack_faults(self.workspace))
    }

    /// An empty project with the package, our tests, what they read, and their tools.
    pub(super) fn consumer(&mut self) -> Result<Consumer> {
        let consumer = Consumer::new(self.workspace, &self.tarball()?)?;
        for name in ["js-tests", "docs"] {
            consumer.take(self.workspace, name)?;
        }
        let tools = Tools::ensure(self.workspace)?;
        link(tools.folder(), &consumer.path("js-tests/node_modules"))?;
        Ok(consumer)
    }
}

/// What was packed, or is now.
fn once(
    packed: &mut Option<Result<PathBuf, String>>,
    pack: impl FnOnce() -> Result<PathBuf>,
) -> Result<PathBuf> {
    let packed = packed.get_or_insert_with(|| pack().map_err(|error| format!("{error:#}")));
    packed.clone().map_err(|error| anyhow!("there is no package to test: {error}"))
}

impl Bench<'_> {
    pub(super) fn vectors(&self, package: &mut Package<'_>) -> Result<Tally> {
        self.node_tests(package, "vectors", |file| file.starts_with("vectors"), &[])
    }

    /// With the native program that is killed beside the one in JavaScript.
    pub(super) fn kill(&self, package: &mut Package<'_>) -> Result<Tally> {
        let mut build = Command::new("cargo");
        build.args(["build", "--package", "dag-store", "--example", KILL_WORKER]);
        let worker = cargo::built(build.current_dir(self.workspace.root()))?;
        let worker = worker.display().to_string();
        let environment = [("DAG_STORE_KILL_WORKER", worker.as_str())];
        self.node_tests(package, "kill", |file| file.starts_with("kill"), &environment)
    }

    pub(super) fn js(&self, package: &mut Package<'_>) -> Result<Tally> {
        let others = |file: &Path| !APART.iter().any(|folder| file.starts_with(folder));
        let mut tally = self.node_tests(package, "js", others, &[])?;
        if self.full {
            run::say("the package once more, from another folder");
            let again = pack_elsewhere(self.workspace, &package.tarball()?);
            if let Err(error) = &again {
                self.failed(&format!("{error:#}"));
            }
            tally.add(Tally::of(again.is_ok()));
        }
        Ok(tally)
    }

    /// Runs every `*.test.*` below `js-tests/` that is chosen.
    pub(super) fn node_tests(
        &self,
        package: &mut Package<'_>,
        name: &str,
        chosen: impl Fn(&Path) -> bool,
        environment: &[(&str, &str)],
    ) -> Result<Tally> {
        let folder = self.workspace.root().join("js-tests");
        let files = files_below(&folder)?.into_iter().filter(|file| is_test(file) && chosen(file));
        let files: Vec<PathBuf> = files.map(|file| Path::new("js-tests").join(file)).collect();
        ensure!(!files.is_empty(), "there are no tests in js-tests");
        let consumer = package.consumer()?;
        let mut node = consumer.node();
        node.args(["--expose-gc", "--test", "--test-reporter=spec"]).args(&files);
        node.envs(environment.iter().copied());
        let what = format!("node --test: {} files, the package from its tarball", files.len());
        self.counted(&format!("node-{name}"), &what, &mut node, count)
    }

    pub(super) fn demo(&self, package: &mut Package<'_>) -> Result<Tally> {
        let tarball = package.tarball()?;
        let file = self.workspace.root().join("js-tests/demo/two-roots.jsonl");
        let mut tally = Tally::default();
        for (what, input) in [("this clone's history", Input::Own), ("a file", Input::File(file))] {
            run::say(&format!("the demo on {what}"));
            let result = demo_with(self.workspace, &tarball, &input);
            if let Err(error) = &result {
                self.failed(&format!("{error:#}"));
            }
            tally.add(Tally::of(result.is_ok()));
        }
        Ok(tally)
    }

    /// A row that has been measured is a test that has passed.
    pub(super) fn benchmarks(&self, package: &mut Package<'_>) -> Result<Tally> {
        let measured = bench_with(self.workspace, &[], Effort::Quick, || package.tarball())?;
        Ok(Tally { passed: measured, failed: 0 })
    }
}

fn is_test(file: &Path) -> bool {
    let name = file.file_name().unwrap_or_default().to_string_lossy();
    [".test.mjs", ".test.js", ".test.cjs"].iter().any(|end| name.ends_with(end))
}

/// Reads the counts that Node's reporter ends with.
pub(super) fn count(output: &str) -> Tally {
    let mut tally = Tally::default();
    for line in output.lines() {
        let Some(line) = line.strip_prefix("ℹ ") else {
            continue;
        };
        let mut words = line.split(' ');
        let (word, number) = (words.next(), words.next().and_then(|number| number.parse().ok()));
        match (word, number.unwrap_or(0)) {
            (Some("pass"), passed) => tally.passed += passed,
            // Here a skipped test is a failure: it would look like one that passed.
            (Some("fail" | "cancelled" | "skipped" | "todo"), failed) => tally.failed += failed,
            _ => {}
        }
    }
    tally
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn node_counts_are_read() {
        let output = "✔ one (1ms)\nℹ tests 9\nℹ suites 1\nℹ pass 5\nℹ fail 1\nℹ cancelled 1\n\
                      ℹ skipped 1\nℹ todo 1\nℹ duration_ms 53.1\n";
        assert_eq!(count(output), Tally { passed: 5, failed: 4 });
        assert_eq!(count(""), Tally::default());
    }

    #[test]
    fn tests_are_told_by_their_names() {
        assert!(is_test(Path::new("node/esm.test.mjs")));
        assert!(!is_test(Path::new("suite/batch.mjs")));
    }
}
