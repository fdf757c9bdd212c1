//! Where figures were taken: without it they say nothing.

use std::collections::BTreeMap;
use std::fs;
use std::process::Command;
use std::thread;

use anyhow::{Context, Result};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::run;
use crate::workspace::{Workspace, read};

const MANIFEST: &str = "benches/js/package.json";

/// A machine, what was on it, and how busy it was.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
pub(crate) struct Machine {
    pub(crate) date: String,
    pub(crate) processor: String,
    pub(crate) cores: usize,
    /// How many tasks wanted a core on average in the minute before.
    pub(crate) load: f64,
    pub(crate) system: String,
    /// The commit that was measured; with a plus sign, more than what is committed.
    pub(crate) commit: String,
    pub(crate) versions: BTreeMap<String, String>,
}

impl Machine {
    /// Looks at this one.
    pub(crate) fn look(workspace: &Workspace) -> Result<Self> {
        let date = run::output(Command::new("date").args(["--utc", "+%F"]))?;
        let system = run::output(Command::new("uname").args(["-sm"]))?;
        let cores = thread::available_parallelism()?.get();
        let load = first_word("/proc/loadavg").and_then(|word| word.parse().ok());
        let load = load.context("no load in /proc/loadavg")?;
        let mut git = Command::new("git");
        git.args(["describe", "--always", "--dirty=+", "--abbrev=10", "--exclude=*"]);
        let commit = run::output(git.current_dir(workspace.root())).unwrap_or_default();
        let versions = versions(workspace)?;
        Ok(Self { date, processor: processor(), cores, load, system, commit, versions })
    }
}

fn first_word(path: &str) -> Option<String> {
    fs::read_to_string(path).ok()?.split_whitespace().next().map(str::to_owned)
}

fn processor() -> String {
    let text = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let name = text.lines().find_map(|line| line.strip_prefix("model name")?.split_once(": "));
    name.map_or_else(|| "unknown".to_owned(), |(_, name)| name.to_owned())
}

/// Those that the npm manifest pins, and the tools.
fn versions(workspace: &Workspace) -> Result<BTreeMap<String, String>> {
    let manifest: Value = serde_json::from_str(&read(&workspace.root().join(MANIFEST))?)?;
    let pinned = manifest["devDependencies"].as_object().into_iter().flatten();
    let mut versions: BTreeMap<String, String> = pinned
        .filter_map(|(name, version)| Some((name.clone(), version.as_str()?.to_owned())))
        .collect();
    if let Some(node) = versions.remove("node24") {
        let version = node.rsplit('@').next().unwrap_or(&node).to_owned();
        versions.insert("node".to_owned(), version);
    }
    versions.insert("dag-store".to_owned(), workspace.version()?);
    for (tool, argument) in [("rustc", "--version"), ("chromium", "--version")] {
        if let Ok(said) = run::output(Command::new(tool).arg(argument)) {
            let version =
                said.split(' ').find(|word| word.starts_with(|c: char| c.is_ascii_digit()));
            versions.insert(tool.to_owned(), version.unwrap_or(&said).to_owned());
        }
    }
    Ok(versions)
}
