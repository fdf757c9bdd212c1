//! How many instructions fixed operations take, as valgrind's callgrind counts them: the same on any machine however
//! busy, so that a test can compare them with those that are kept in `benches/counts.toml`.
//!
//! Only our program's own are counted, not those of the C library, whose copying and comparing differ from processor to
//! processor; nor those of `sha2`, which has the processor hash where it can, but not under valgrind.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, ensure};
use serde::{Deserialize, Serialize};
use tempfile::TempDir;

use crate::apt;
use crate::cargo;
use crate::run;
use crate::table::{Table, grouped};
use crate::workspace::{Workspace, read, write};

const MANIFEST: &str = "benches/native/Cargo.toml";
const KEPT: &str = "benches/counts.toml";
const HEAD: &str = "\
# Instructions for each node, in stores of so many nodes, without the C library and SHA-256. `cargo xtask test counts`
# compares; `cargo xtask counts --write` writes this file anew, and its diff says what a change costs or saves.

";
/// Operations are counted in a small store and in one large enough that growth shows.
const SIZES: [usize; 2] = [1_000, 32_000];
/// What may differ, in parts of the whole: code is laid out anew with each change.
const TOLERANCE: f64 = 0.05;
/// The function within which instructions are counted, and the one before which they are written down.
const COUNTED: &str = "counts::counted";
const TOLD: &str = "counts::told";
/// Whose functions don't count.
const HASHING: &str = "sha2::";

/// Instructions for each node, by the number of nodes in the store.
type BySize = BTreeMap<String, usize>;

/// The counts of all operations.
#[derive(Debug, Deserialize, Serialize)]
pub(crate) struct Counts {
    /// Another compiler makes other code.
    rustc: String,
    instructions: BTreeMap<String, BySize>,
}

impl Counts {
    /// Counts.
    pub(crate) fn take(workspace: &Workspace) -> Result<Self> {
        let program = program(workspace)?;
        let mut instructions = BTreeMap::<String, BySize>::new();
        for size in SIZES {
            for (operation, count) in operations(workspace, &program, size, &[])? {
                instructions.entry(operation).or_default().insert(size.to_string(), count);
            }
        }
        let rustc = run::output(Command::new("rustc").arg("--version"))?;
        let rustc = rustc.split(' ').nth(1).unwrap_or(&rustc).to_owned();
        Ok(Self { rustc, instructions })
    }

    /// Reads those that are kept.
    pub(crate) fn kept(workspace: &Workspace) -> Result<Self> {
        toml::from_str(&read(&workspace.root().join(KEPT))?).context(KEPT)
    }

    /// Keeps them.
    pub(crate) fn write(&self, workspace: &Workspace) -> Result<()> {
        let text = format!("{HEAD}{}", toml::to_string(self)?);
        write(&workspace.root().join(KEPT), text)
    }

    /// How many there are.
    pub(crate) fn len(&self) -> usize {
        self.instructions.values().map(BySize::len).sum()
    }

    /// What is not as it was, a line for each.
    pub(crate) fn differences(&self, kept: &Self) -> Vec<String> {
        let mut differences = Vec::new();
        for (operation, sizes) in &self.instructions {
            for (size, &now) in sizes {
                let was = kept.instructions.get(operation).and_then(|sizes| sizes.get(size));
                let Some(&was) = was else {
                    differences.push(format!("{operation}, {size} nodes: not in {KEPT}"));
                    continue;
                };
                let change = percent(now, was);
                if change.abs() > 100.0 * TOLERANCE {
                    let (now, was) = (grouped(now), grouped(was));
                    differences.push(format!(
                        "{operation}, {size} nodes: {now} instructions a node, and it was {was} ({change:+.1} %)"
                    ));
                }
            }
        }
        if !differences.is_empty() {
            let compiler = if self.rustc == kept.rustc {
                String::new()
            } else {
                format!("; those were rustc {}'s, these are {}'s", kept.rustc, self.rustc)
            };
            let advice = "if that is meant, cargo xtask counts --write keeps it";
            differences.push(format!("{advice}{compiler}"));
        }
        differences
    }

    /// A table for people, beside what it was.
    pub(crate) fn table(&self, kept: Option<&Self>) -> Table {
        let mut table = Table::new(&["instructions a node", "nodes", "now", "kept", "change"]);
        for (operation, sizes) in &self.instructions {
            for (size, &now) in sizes {
                let was = kept.and_then(|it| it.instructions.get(operation)?.get(size).copied());
                table.row([
                    operation.clone(),
                    size.clone(),
                    grouped(now),
                    was.map(grouped).unwrap_or_default(),
                    was.map(|was| format!("{:+.1} %", percent(now, was))).unwrap_or_default(),
                ]);
            }
        }
        table
    }
}

/// Instructions of one operation in stores of two sizes, for the benchmarks.
pub(crate) fn growth(
    workspace: &Workspace,
    operation: &str,
    sizes: [usize; 2],
) -> Result<[usize; 2]> {
    let program = program(workspace)?;
    let mut counts = [0; 2];
    for (count, size) in counts.iter_mut().zip(sizes) {
        let operations = operations(workspace, &program, size, &[operation])?;
        (_, *count) = operations.into_iter().next().context("nothing was counted")?;
    }
    Ok(counts)
}

#[allow(clippy::cast_precision_loss, reason = "for people")]
fn percent(now: usize, was: usize) -> f64 {
    100.0 * (now as f64 - was as f64) / was as f64
}

/// The program whose instructions are counted, as it ships, and valgrind.
fn program(workspace: &Workspace) -> Result<PathBuf> {
    apt::ensure(workspace, "counting instructions", &["valgrind"])?;
    let mut build = Command::new("cargo");
    build.args(["build", "--release", "--bin", "counts", "--manifest-path", MANIFEST]);
    if std::env::var_os("CARGO_TARGET_DIR").is_none() {
        build.env("CARGO_TARGET_DIR", workspace.target(""));
    }
    run::say("build what is counted");
    cargo::built(build.current_dir(workspace.root()))
}

/// Runs it under callgrind. Gives operations, all or those named, with their instructions for each node.
fn operations(
    workspace: &Workspace,
    program: &Path,
    size: usize,
    named: &[&str],
) -> Result<Vec<(String, usize)>> {
    let folder = TempDir::new()?;
    let mut valgrind = Command::new("valgrind");
    valgrind.args(["--tool=callgrind", "--compress-strings=no", "--compress-pos=no"]);
    valgrind.arg(format!("--toggle-collect={COUNTED}*")).arg(format!("--dump-before={TOLD}*"));
    valgrind.arg(format!("--callgrind-out-file={}", folder.path().join("out").display()));
    valgrind.arg(program).arg(size.to_string()).args(named);
    let what = format!("count, in a store of {} nodes", grouped(size));
    let printed = run::logged(workspace, &format!("counts-{size}"), &what, &mut valgrind)?;
    // Among them stands what valgrind says, with its process's number before it.
    let operations = printed.lines().filter(|line| !line.starts_with("==")).filter_map(|line| {
        let (operation, nodes) = line.split_once(' ')?;
        Some((operation.to_owned(), nodes.parse::<usize>().ok()?))
    });
    let mut counts = Vec::new();
    for (place, (operation, nodes)) in operations.enumerate() {
        let path = folder.path().join(format!("out.{}", place + 1));
        let profile =
            fs::read_to_string(&path).with_context(|| format!("{operation}: no profile"))?;
        let count = instructions(&profile, program);
        ensure!(count > 0, "{operation}: nothing was counted");
        counts.push((operation, count / nodes));
    }
    Ok(counts)
}

/// Sums a profile up: what the program's functions did themselves.
fn instructions(profile: &str, program: &Path) -> usize {
    let program = program.to_string_lossy();
    let (mut ours, mut hashing, mut called) = (false, false, false);
    let mut sum = 0;
    for line in profile.lines() {
        if let Some(object) = line.strip_prefix("ob=") {
            ours = object == program;
        } else if let Some(function) = line.strip_prefix("fn=") {
            hashing = function.contains(HASHING);
        } else if line.starts_with("calls=") {
            // The line that follows has what was called.
            called = true;
        } else if line.starts_with(|first: char| first.is_ascii_digit()) {
            let count = line.split(' ').next_back().and_then(|it| it.parse::<usize>().ok());
            if ours && !hashing && !called {
                sum += count.unwrap_or(0);
            }
            called = false;
        }
    }
    sum
}

#[cfg(test)]
mod tests {
    use super::*;

    const PROFILE: &str = "\
events: Ir

ob=/p
fl=a.rs
fn=a::b
10 5
cfn=sha2::compress
calls=1 20
10 700
12 6

fn=sha2::compress
20 700

ob=/lib/libc.so.6
fn=memcpy
0 90

summary: 801
";

    fn counts(rustc: &str, count: usize) -> Counts {
        let sizes = BTreeMap::from([("1000".to_owned(), count)]);
        Counts {
            rustc: rustc.to_owned(),
            instructions: BTreeMap::from([("get".to_owned(), sizes)]),
        }
    }

    #[test]
    fn only_our_own_instructions_count() {
        assert_eq!(instructions(PROFILE, Path::new("/p")), 11);
    }

    #[test]
    fn what_differs_by_more_than_the_tolerance_is_told() {
        let kept = counts("1.95.0", 1_000);
        assert!(counts("1.95.0", 1_050).differences(&kept).is_empty());
        assert!(counts("1.95.0", 950).differences(&kept).is_empty());
        for count in [1_051, 949] {
            assert_eq!(counts("1.95.0", count).differences(&kept).len(), 2);
        }
        let other = counts("1.96.0", 2_000).differences(&kept);
        assert!(other.iter().any(|line| line.contains("1.96.0")), "{other:?}");
        let empty = Counts { rustc: String::new(), instructions: BTreeMap::new() };
        assert_eq!(kept.differences(&empty).len(), 2);
    }

    #[test]
    fn they_are_read_as_they_were_written() -> Result<()> {
        let text = toml::to_string(&counts("1.95.0", 7))?;
        let read: Counts = toml::from_str(&text)?;
        assert_eq!(read.instructions, counts("", 7).instructions);
        Ok(())
    }
}
