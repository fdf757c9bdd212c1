//! The main job on real input: once through the packaged store in Node, once through the crate.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail, ensure};
use serde::Deserialize;

use crate::consumer::Consumer;
use crate::git;
use crate::history::History;
use crate::pack;
use crate::run;
use crate::workspace::{Workspace, read, write};

/// The program that a user of the package might write.
const PROGRAM: &str = "js-tests/demo/import.mjs";

/// Where the DAG comes from.
#[derive(Debug)]
pub(crate) enum Input {
    /// This clone's own history.
    Own,
    Repository(PathBuf),
    File(PathBuf),
}

/// What a program says of the history that it imported.
#[derive(Debug, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
struct Answer {
    nodes: usize,
    heads: Vec<String>,
    state_hash: String,
}

impl Input {
    pub(crate) fn new(repository: Option<PathBuf>, file: Option<PathBuf>) -> Self {
        match (repository, file) {
            (Some(path), _) => Self::Repository(path),
            (None, Some(path)) => Self::File(path),
            (None, None) => Self::Own,
        }
    }

    /// The history, and the scope its nodes shall have.
    fn read(&self, workspace: &Workspace) -> Result<(History, String)> {
        let (commits, scope, whence) = match self {
            Self::Own => {
                let root = workspace.root();
                (git::commits(root)?, git::name(root)?, root)
            }
            Self::Repository(path) => (git::commits(path)?, git::name(path)?, path.as_path()),
            Self::File(path) => {
                let commits = History::parse(&read(path)?);
                let commits = commits.with_context(|| format!("in {}", path.display()))?;
                let stem = path.file_stem().unwrap_or_default().to_string_lossy();
                (commits, stem.into_owned(), path.as_path())
            }
        };
        let history = History::sort(commits).with_context(|| format!("in {}", whence.display()))?;
        Ok((history, scope))
    }
}

/// Packs the package, then runs the job.
pub(crate) fn demo(workspace: &Workspace, input: &Input) -> Result<()> {
    // Wrong input is told before minutes of building.
    let (history, scope) = input.read(workspace)?;
    let tarball = pack::pack(workspace)?;
    println!();
    run_job(workspace, &tarball, &history, &scope)
}

/// Runs the job with a package that is there already.
pub(crate) fn demo_with(workspace: &Workspace, tarball: &Path, input: &Input) -> Result<()> {
    let (history, scope) = input.read(workspace)?;
    run_job(workspace, tarball, &history, &scope)
}

fn run_job(workspace: &Workspace, tarball: &Path, history: &History, scope: &str) -> Result<()> {
    let consumer = Consumer::new(workspace, tarball)?;
    let lines = consumer.path("history.jsonl");
    write(&lines, history.to_lines()?)?;
    if history.cut > 0 {
        println!(
            "  notice: {} commits name parents that are not there (a shallow clone?); \
             they keep the parents that are, or become roots",
            history.cut
        );
    }

    let package = ask_package(workspace, &consumer, &lines, scope)?;
    let native = ask_crate(workspace, &lines, scope)?;
    ensure!(
        package.nodes == history.commits.len(),
        "{} commits went in, {} nodes came of them",
        history.commits.len(),
        package.nodes
    );
    if package != native {
        bail!("the package says {package:#?}, the crate says {native:#?}");
    }
    println!("  the native crate, run on the same input, agrees");
    println!("state hash  {}", package.state_hash);
    Ok(())
}

/// The packaged store in Node.
fn ask_package(
    workspace: &Workspace,
    consumer: &Consumer,
    lines: &Path,
    scope: &str,
) -> Result<Answer> {
    fs::copy(workspace.root().join(PROGRAM), consumer.path("import.mjs")).context(PROGRAM)?;
    let answer = consumer.path("answer.json");
    let mut node = consumer.node();
    node.arg("import.mjs").arg(lines).arg(scope).arg(&answer);
    run::show("the packaged store, in Node", &mut node)?;
    serde_json::from_str(&read(&answer)?).context("the answer of import.mjs")
}

/// The crate, through its example.
fn ask_crate(workspace: &Workspace, lines: &Path, scope: &str) -> Result<Answer> {
    let mut cargo = Command::new("cargo");
    cargo
        .args(["run", "--quiet", "--package", "dag-store", "--example", "replay", "--"])
        .arg(lines)
        .arg(scope)
        .current_dir(workspace.root());
    let what = "the native crate: cargo run --example replay";
    parse_answer(&run::logged(workspace, "replay", what, &mut cargo)?)
}

/// Reads `nodes`, `head` and `state hash` lines; other lines are for people.
fn parse_answer(text: &str) -> Result<Answer> {
    let value = |name: &str| {
        let values = text.lines().filter_map(|line| line.strip_prefix(name));
        values.map(str::trim).map(str::to_owned).collect::<Vec<_>>()
    };
    let one = |name: &str| value(name).pop().with_context(|| format!("no line `{name}`"));
    Ok(Answer {
        nodes: one("nodes ")?.parse()?,
        heads: value("head "),
        state_hash: one("state hash ")?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_is_parsed() -> Result<()> {
        let answer =
            parse_answer("hello\nnodes       3\nhead        b\nhead        a\nstate hash  ff\n")?;
        let heads = vec!["b".to_owned(), "a".to_owned()];
        assert_eq!(answer, Answer { nodes: 3, heads, state_hash: "ff".to_owned() });
        assert!(parse_answer("nodes  3\n").is_err());
        Ok(())
    }
}
