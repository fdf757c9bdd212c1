//! The benchmarks: programs are run, their figures held against the goals, and told as a table, as
//! JSON, as plots and as a page.

mod lines;
mod machine;
mod page;
mod plot;
mod record;
mod rows;

use std::collections::BTreeMap;
use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Instant;

use anyhow::{Context, Result, ensure};
use serde::Deserialize;

use crate::apt;
use crate::bench::machine::Machine;
use crate::bench::record::{Measured, Record};
use crate::bench::rows::{OURS, Row, Rows, Table};
use crate::consumer::Consumer;
use crate::counts;
use crate::npm::{Tools, link};
use crate::pack::pack;
use crate::rocksdb::RocksDb;
use crate::run;
use crate::table;
use crate::workspace::{Workspace, write};

/// What is written in Rust: a program for each row's `program`, but for scripts.
const NATIVE_MANIFEST: &str = "benches/native/Cargo.toml";
/// What is written in JavaScript.
const SCRIPTS: &str = "benches/js";
/// What they share with the tests: how a browser is started.
const SHARED: &str = "js-tests/runtimes";
/// Whose instructions are counted instead of its time.
const COUNTS: &str = "counts";
/// The feature of the programs in Rust that needs its C++.
const ROCKSDB: &str = "engines";

/// How the benchmarks are run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Effort {
    /// As long as it takes; the figures are kept in `docs/benchmarks`.
    Full,
    /// Each row for a moment, to see that it works, except those that are long even so; the figures
    /// mean nothing and go to `target/benchmarks`.
    Quick,
}

/// Measures the rows, or those named (a row's name, or a table's), and writes down what came of it.
/// Gives how many rows were measured.
pub(crate) fn bench(workspace: &Workspace, names: &[String], effort: Effort) -> Result<usize> {
    bench_with(workspace, names, effort, || pack(workspace))
}

/// The same, with the package as it was packed already.
pub(crate) fn bench_with(
    workspace: &Workspace,
    names: &[String],
    effort: Effort,
    tarball: impl FnOnce() -> Result<PathBuf>,
) -> Result<usize> {
    let rows = Rows::read(workspace)?;
    let chosen = rows.chosen(names)?;
    let mut record = Record::open(&folder(workspace, effort), &rows)?;
    let programs = by_program(&chosen, effort, !names.is_empty());
    run::say(&format!("{} rows in {} programs", chosen.len(), programs.len()));
    let scripts = programs.keys().any(|program| is_script(program));
    let consumer = if scripts { Some(consumer(workspace, &tarball()?)?) } else { None };
    let mut measured = 0;
    for (program, part) in &programs {
        let packages: Vec<&str> =
            part.iter().flat_map(|row| &row.packages).map(String::as_str).collect();
        apt::ensure(workspace, "the benchmarks", &packages)?;
        let names: Vec<&str> = part.iter().map(|row| row.name.as_str()).collect();
        let time = record.estimate(&names).map(|time| format!(", {time} s the last time"));
        run::say(&format!("{program}: {}{}", names.join(" "), time.unwrap_or_default()));
        let machine = Machine::look(workspace)?;
        let mut start = Instant::now();
        let mut missing: Vec<&str> = names.clone();
        let mut take = |said: Said| {
            missing.retain(|&name| name != said.row);
            let row = part.iter().find(|row| row.name == said.row);
            let row = row.with_context(|| format!("{program} measured {}, unasked", said.row))?;
            let seconds = start.elapsed().as_secs();
            start = Instant::now();
            let figures = Measured { figures: said.figures, rounds: said.rounds, seconds };
            println!("  {}", row.summary(&figures.figures)?);
            record.take(row, figures, &machine);
            measured += 1;
            Ok(())
        };
        if *program == COUNTS {
            names.iter().try_for_each(|row| take(counted(workspace, row)?))?;
        } else {
            let features: Vec<&str> =
                part.iter().filter_map(|row| row.feature.as_deref()).collect();
            let mut command = command(workspace, consumer.as_ref(), program, &features, effort)?;
            if effort == Effort::Quick {
                command.arg("--quick");
            }
            run::lines(command.args(&names), |line| {
                let said = serde_json::from_str(line);
                take(said.with_context(|| format!("{program} printed no row: {line}"))?)
            })?;
        }
        ensure!(missing.is_empty(), "{program} has not measured {}", missing.join(", "));
        // After each, so that what was measured is there if a later one fails.
        record.save(&rows)?;
    }
    if effort == Effort::Full {
        publish(workspace, &rows, &record)?;
    }
    println!("\n{}", report(&chosen, &record)?);
    Ok(measured)
}

/// Draws the plots and writes the page from the figures that are kept, measuring nothing.
pub(crate) fn draw(workspace: &Workspace) -> Result<()> {
    let rows = Rows::read(workspace)?;
    let record = Record::open(&folder(workspace, Effort::Full), &rows)?;
    publish(workspace, &rows, &record)
}

fn publish(workspace: &Workspace, rows: &Rows, record: &Record) -> Result<()> {
    let folder = folder(workspace, Effort::Full);
    for table in &rows.tables {
        if let Some(svg) = plot::draw(table, record)? {
            write(&folder.join(&table.name).with_extension("svg"), svg)?;
        }
    }
    write(&workspace.root().join("docs/benchmarks.md"), page::page(rows, record)?)?;
    run::say("written: docs/benchmarks.md");
    Ok(())
}

/// A line that a program prints.
#[derive(Debug, Deserialize)]
struct Said {
    row: String,
    figures: BTreeMap<String, f64>,
    rounds: u32,
}

fn folder(workspace: &Workspace, effort: Effort) -> PathBuf {
    match effort {
        Effort::Full => workspace.root().join("docs/benchmarks"),
        Effort::Quick => workspace.target("benchmarks"),
    }
}

fn is_script(program: &str) -> bool {
    Path::new(program).extension().is_some()
}

/// The rows of each program, which measures them in one process.
fn by_program<'a>(
    chosen: &[(&'a Table, &'a Row)],
    effort: Effort,
    named: bool,
) -> BTreeMap<&'a str, Vec<&'a Row>> {
    let mut programs: BTreeMap<&str, Vec<&Row>> = BTreeMap::new();
    for &(_, row) in chosen {
        if effort == Effort::Full || named || !row.long {
            programs.entry(&row.program).or_default().push(row);
        }
    }
    programs
}

/// An empty project with the package, the programs, and what they are measured against.
fn consumer(workspace: &Workspace, tarball: &Path) -> Result<Consumer> {
    let tools = Tools::of(workspace, SCRIPTS)?;
    let consumer = Consumer::new(workspace, tarball)?;
    for name in [SCRIPTS, SHARED] {
        consumer.take(workspace, name)?;
    }
    link(tools.folder(), &consumer.path(&format!("{SCRIPTS}/node_modules")))?;
    Ok(consumer)
}

fn command(
    workspace: &Workspace,
    consumer: Option<&Consumer>,
    program: &str,
    features: &[&str],
    effort: Effort,
) -> Result<Command> {
    // Not in the system's folder for what is temporary, which may be no disk.
    let disk = workspace.target("bench-disk");
    fs::create_dir_all(&disk)?;
    let mut command = if is_script(program) {
        let consumer = consumer.context("there is no package for the program")?;
        let node = format!("{SCRIPTS}/node_modules/node24/bin/node");
        let mut command = Command::new(consumer.path(&node));
        command.arg("--expose-gc").arg(format!("{SCRIPTS}/{program}"));
        command.current_dir(consumer.path(""));
        command
    } else {
        native(workspace, program, features, effort)?
    };
    command.env("DAG_STORE_BENCH_DISK", disk);
    Ok(command)
}

/// How the instructions grow of what each node costs.
fn counted(workspace: &Workspace, row: &str) -> Result<Said> {
    let [large, small] = counts::growth(workspace, "insert-hash", [1_000_000, 10_000])?;
    #[allow(clippy::cast_precision_loss, reason = "figures for people")]
    let figures = [(OURS, large as f64), ("10,000 nodes", small as f64)];
    let figures = figures.into_iter().map(|(name, figure)| (name.to_owned(), figure)).collect();
    Ok(Said { row: row.to_owned(), figures, rounds: 1 })
}

/// A program in Rust, built and run.
fn native(
    workspace: &Workspace,
    program: &str,
    features: &[&str],
    effort: Effort,
) -> Result<Command> {
    let mut cargo = if features.contains(&ROCKSDB) {
        RocksDb::ensure(workspace)?.cargo(workspace, "run")
    } else {
        let mut cargo = Command::new("cargo");
        cargo.arg("run").current_dir(workspace.root());
        cargo
    };
    cargo.args(["--quiet", "--manifest-path", NATIVE_MANIFEST, "--bin", program]);
    cargo.arg(format!("--features={}", features.join(",")));
    if env::var_os("CARGO_TARGET_DIR").is_none() {
        // Where the tests have built much of it already.
        cargo.env("CARGO_TARGET_DIR", workspace.target(""));
    }
    if effort == Effort::Full {
        cargo.arg("--release");
    }
    cargo.arg("--");
    Ok(cargo)
}

/// The table that people see: figure, ratio, goal, and whether it is met.
fn report(chosen: &[(&Table, &Row)], record: &Record) -> Result<table::Table> {
    let mut report = table::Table::new(&["row", "figure", "against", "ratio", "goal", "met"]);
    for (_, row) in chosen {
        let Some(measured) = record.measured(&row.name) else {
            continue;
        };
        let judged = row.judge(&measured.figures)?;
        report.row([
            row.name.clone(),
            judged.figure,
            judged.against.unwrap_or_default(),
            judged.ratio.unwrap_or_default(),
            judged.goal.unwrap_or_default(),
            judged.met.map(|met| if met { "yes" } else { "no" }.to_owned()).unwrap_or_default(),
        ]);
    }
    Ok(report)
}
