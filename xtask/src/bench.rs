//! What journals cost, beside what people use in their place.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::fs;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, ensure};
use serde::{Deserialize, Serialize};

use crate::apt;
use crate::npm::Tools;
use crate::pack::pack;
use crate::run;
use crate::table::Table;
use crate::workspace::{Workspace, write};

/// What measures, and the runtimes that it measures in.
const HARNESS: &str = "js-tests/bench";
const RUNTIMES: &str = "js-tests/runtimes";
/// The program that measures natively.
const NATIVE: &str = "journal_costs";
/// Where the figures go.
const FIGURES: &str = "docs/benchmarks";

/// A place to measure in.
#[derive(Debug, Deserialize)]
struct Listed {
    name: String,
    /// Debian's packages that it needs.
    packages: Vec<String>,
}

/// What was measured in one place.
#[derive(Debug, Deserialize, Serialize)]
struct Measured {
    name: String,
    runtime: String,
    rows: Vec<Row>,
}

/// One way to keep nodes: medians, in microseconds a node.
#[derive(Debug, Deserialize, Serialize)]
struct Row {
    name: String,
    note: String,
    one: f64,
    #[serde(skip_serializing_if = "Option::is_none")]
    together: Option<f64>,
    batch: f64,
    #[serde(skip_serializing_if = "Option::is_none")]
    opening: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    bytes: Option<f64>,
}

/// Measures everywhere, or in the places that are named; writes the figures where it was everywhere.
pub(crate) fn bench(workspace: &Workspace, names: &[String], rounds: u32) -> Result<()> {
    for manifest in [RUNTIMES, HARNESS] {
        Tools::of(workspace, manifest)?;
    }
    let list = run::output(harness(workspace).arg("--list").args(names))?;
    let listed: Vec<Listed> = list.lines().map(serde_json::from_str).collect::<Result<_, _>>()?;
    let natively = names.is_empty() || names.iter().any(|name| "native".starts_with(name.as_str()));
    ensure!(natively || !listed.is_empty(), "there is nothing of that name to measure");
    let packages: BTreeSet<&str> =
        listed.iter().flat_map(|place| &place.packages).map(String::as_str).collect();
    if !packages.is_empty() {
        apt::ensure(workspace, "browsers", &packages.into_iter().collect::<Vec<_>>())?;
    }

    let native = if natively { Some(measure_natively(workspace)?) } else { None };
    let mut measured = Vec::new();
    if !listed.is_empty() {
        let package = pack(workspace)?;
        let places: Vec<&str> = listed.iter().map(|place| place.name.as_str()).collect();
        run::say(&format!("{}, {rounds} rounds each", places.join(", ")));
        let mut command = harness(workspace);
        command.arg("--package").arg(package).arg("--rounds").arg(rounds.to_string());
        run::lines(command.args(names), |line| {
            let place: Measured = serde_json::from_str(line).with_context(|| line.to_owned())?;
            println!("\n{} ({})\n{}", place.name, place.runtime, place.table());
            measured.push(place);
            Ok(())
        })?;
    }
    if let (Some(native), true) = (native, names.is_empty()) {
        let folder = workspace.root().join(FIGURES);
        fs::create_dir_all(&folder)?;
        write(&folder.join("journals.json"), serde_json::to_string_pretty(&measured)? + "\n")?;
        write(&folder.join("journals.md"), page(&native, &measured, rounds)?)?;
        println!("\nwritten: {FIGURES}/journals.json and journals.md");
    }
    Ok(())
}

fn harness(workspace: &Workspace) -> Command {
    let mut node = Command::new("node");
    node.arg(workspace.root().join(HARNESS).join("run.mjs"));
    node
}

/// Runs the program that measures the file journal natively; gives what it prints.
fn measure_natively(workspace: &Workspace) -> Result<String> {
    run::say("the file journal natively");
    let folder = workspace.root().join("target/bench");
    fs::create_dir_all(&folder)?;
    let mut cargo = Command::new("cargo");
    cargo.args(["run", "--quiet", "--release", "--package", "dag-store", "--example", NATIVE]);
    let figures = run::output(cargo.arg("--").arg(&folder).current_dir(workspace.root()))?;
    println!("{figures}");
    Ok(figures)
}

impl Measured {
    fn table(&self) -> Table {
        let head = ["", "one and wait", "64 at once", "1,000 a batch", "opening", "bytes a node"];
        let mut table = Table::new(&head);
        for row in &self.rows {
            table.row(row.cells());
        }
        table
    }
}

impl Row {
    /// Times in microseconds a node, and bytes.
    fn cells(&self) -> [String; 6] {
        let figure = |figure: Option<f64>| figure.map_or("–".to_owned(), |it| format!("{it:.0}"));
        let fine = |figure: Option<f64>| figure.map_or("–".to_owned(), |it| format!("{it:.1}"));
        [
            format!("{} ({})", self.name, self.note),
            figure(Some(self.one)),
            figure(self.together),
            fine(Some(self.batch)),
            fine(self.opening),
            figure(self.bytes),
        ]
    }
}

/// The page with all figures.
fn page(native: &str, measured: &[Measured], rounds: u32) -> Result<String> {
    let mut page = String::from(
        "# What journals cost\n\nWritten by `cargo xtask bench`. Microseconds a node, medians of ",
    );
    writeln!(page, "{rounds} rounds in which all of a table take turns, on {}.", machine())?;
    page.push_str(
        "Nodes have some 350 bytes in their blocks, 200 of them content, and one parent. Absolute times are those of this \
         disk; what a table's rows are to one another is what they tell. Ours check every node, keep parents, children, heads, \
         order and the state hash, and read all of it back on opening; the others keep blocks by CID, made by hand with \
         `@ipld/dag-cbor` and `multiformats`.\n",
    );
    for Measured { name, runtime, rows } in measured {
        writeln!(page, "\n## {name}\n\n{runtime}.\n")?;
        writeln!(page, "| | one and wait | 64 at once | 1,000 a batch | opening | bytes a node |")?;
        writeln!(page, "|---|--:|--:|--:|--:|--:|")?;
        for row in rows {
            writeln!(page, "| {} |", row.cells().join(" | "))?;
        }
    }
    writeln!(page, "\n## The file journal, natively\n\n```text\n{native}\n```")?;
    Ok(page)
}

/// The processor, as Linux names it.
fn machine() -> String {
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let name = fs::read_to_string(Path::new("/proc/cpuinfo")).ok().and_then(|info| {
        let line = info.lines().find(|line| line.starts_with("model name"))?;
        Some(line.split_once(':')?.1.trim().to_owned())
    });
    format!("{cores} cores of {}", name.as_deref().unwrap_or("an unknown processor"))
}
