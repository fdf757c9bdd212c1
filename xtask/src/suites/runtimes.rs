//! The suite that knows no runtime, run in every runtime; and the table of that.

use std::collections::{BTreeMap, BTreeSet};
use std::process::Command;

use anyhow::{Context, Result, ensure};
use serde::Deserialize;

use super::{Bench, FULL_VARIABLE, Tally};
use crate::apt;
use crate::npm::Tools;
use crate::run;
use crate::suites::javascript::Package;
use crate::table::Table;

/// Where the harness is, and what its cells run in.
pub(super) const HARNESS: &str = "js-tests/runtimes";
/// Next must find itself in the project that it builds, so it is installed apart.
const NEXT: &str = "js-tests/runtimes/next";

/// Tells the cells for the code in our texts where that is.
const SNIPPETS_VARIABLE: &str = "DAG_STORE_SNIPPETS";

/// How many failures of a cell are shown, and how many lines of each.
const SHOWN_FAILURES: usize = 20;
const SHOWN_LINES: usize = 6;

/// A cell that can be run.
#[derive(Debug, Deserialize)]
struct Listed {
    name: String,
    /// Debian's packages that it needs.
    packages: Vec<String>,
}

/// What came of a cell.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Cell {
    name: String,
    version: String,
    seconds: f64,
    passed: usize,
    failed: usize,
    failures: Vec<Failure>,
    not_here: Vec<NotHere>,
    notes: Vec<String>,
    /// Why there is no such thing on this machine.
    absent: Option<String>,
    /// What the runtime printed.
    output: String,
}

#[derive(Debug, Deserialize)]
struct Failure {
    name: String,
    error: String,
}

/// A case that a runtime lacks something for.
#[derive(Debug, Deserialize)]
struct NotHere {
    name: String,
    reason: String,
}

impl Bench<'_> {
    pub(super) fn runtimes(&self, package: &mut Package<'_>) -> Result<Tally> {
        for manifest in [HARNESS, NEXT] {
            Tools::of(self.workspace, manifest)?;
        }
        let listed = self.listed()?;
        let packages: BTreeSet<&str> =
            listed.iter().flat_map(|cell| &cell.packages).map(String::as_str).collect();
        if !packages.is_empty() {
            let packages: Vec<&str> = packages.into_iter().collect();
            let install = format!("install {}", packages.join(", "));
            apt::ensure(self.workspace, "browsers", &packages).with_context(|| install)?;
        }

        let mut harness = self.harness();
        harness.arg("--package").arg(package.tarball()?);
        harness.arg("--faults").arg(package.faults()?);
        harness.env(SNIPPETS_VARIABLE, self.snippets_for_runtimes()?);
        if self.full {
            harness.env(FULL_VARIABLE, "1");
        }
        run::say(&format!("the suite in {} runtimes, the package from its tarball", listed.len()));
        let mut cells = BTreeMap::new();
        run::lines(harness.args(self.runtimes), |line| {
            let cell: Cell = serde_json::from_str(line).with_context(|| line.to_owned())?;
            self.tell(&cell);
            cells.insert(cell.name.clone(), cell);
            Ok(())
        })?;

        let mut done = Vec::new();
        for Listed { name, .. } in &listed {
            done.push(cells.remove(name).with_context(|| format!("nothing came of {name}"))?);
        }
        print(&done);
        Ok(Tally {
            passed: done.iter().map(|cell| cell.passed).sum(),
            failed: done.iter().map(|cell| cell.failed).sum(),
        })
    }

    /// Says what came of a cell, and what failed.
    fn tell(&self, cell: &Cell) {
        let Cell { name, version, passed, failed, failures, .. } = cell;
        println!("  {name} {version}: {passed} passed, {failed} failed, {}", cell.time());
        if failures.is_empty() {
            return;
        }
        for Failure { name: case, error } in failures.iter().take(SHOWN_FAILURES) {
            self.failed(&format!("{name}: {case}"));
            error.lines().take(SHOWN_LINES).for_each(|line| println!("  | {line}"));
        }
        if failures.len() > SHOWN_FAILURES {
            println!("  … and {} more", failures.len() - SHOWN_FAILURES);
        }
        println!("  what {name} printed:");
        cell.output.lines().for_each(|line| println!("  | {line}"));
    }

    /// The cells that were asked for, in the order of the table.
    fn listed(&self) -> Result<Vec<Listed>> {
        let list = run::output(self.harness().arg("--list").args(self.runtimes))?;
        let cells: Vec<Listed> =
            list.lines().map(serde_json::from_str).collect::<Result<_, _>>()?;
        ensure!(!cells.is_empty(), "{HARNESS} lists no runtime");
        Ok(cells)
    }

    fn harness(&self) -> Command {
        let mut node = Command::new("node");
        node.arg(self.workspace.root().join(HARNESS).join("run.mjs"));
        node
    }
}

impl Cell {
    fn time(&self) -> String {
        format!("{:.1} s", self.seconds)
    }
}

/// Prints the table of the cells and, below it, what a number can't say.
fn print(cells: &[Cell]) {
    let head = ["runtime", "version", "passed", "failed", "not here", "seconds"];
    let mut table = Table::new(&head);
    let mut not_here: BTreeMap<(&str, &str), Vec<&str>> = BTreeMap::new();
    for cell in cells {
        let counts = [cell.passed, cell.failed, cell.not_here.len()].map(|count| count.to_string());
        let counts = if cell.absent.is_some() { ["–"; 3].map(str::to_owned) } else { counts };
        let seconds = format!("{:.1}", cell.seconds);
        let names = [cell.name.clone(), cell.version.clone()];
        table.row(names.into_iter().chain(counts).chain([seconds]));
        for NotHere { name, reason } in &cell.not_here {
            not_here.entry((reason, name)).or_default().push(&cell.name);
        }
    }
    println!("\n{table}");
    for cell in cells {
        if let Some(reason) = &cell.absent {
            println!("{}: absent, {reason}", cell.name);
        }
        cell.notes.iter().for_each(|note| println!("{}: {note}", cell.name));
    }
    for ((reason, case), cells) in not_here {
        println!("not here: {case}: {reason} ({})", cells.join(", "));
    }
}
