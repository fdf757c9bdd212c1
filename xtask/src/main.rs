//! The project's own commands, run as `cargo xtask <command>`: they install what is missing, build
//! the npm package, run the main job with it, and test everything.

mod apt;
mod bench;
mod cargo;
mod consumer;
mod counts;
mod demo;
mod git;
mod history;
mod markdown;
mod names;
mod npm;
mod pack;
mod recipe;
mod rocksdb;
mod run;
mod size;
mod suites;
mod table;
mod toolchain;
mod workspace;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, Subcommand};

use crate::bench::Effort;
use crate::counts::Counts;
use crate::demo::Input;
use crate::npm::Tools;
use crate::suites::Suite;
use crate::toolchain::WasmToolchain;
use crate::workspace::Workspace;

/// The project's own commands.
#[derive(Debug, Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask", version, about)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Install what is missing: the standard library for wasm, and the npm tools
    ///
    /// The library comes from rustup where that can reach its server, else from Debian's packages
    /// `rustc-web` and `rust-web-src`, and is then built here. `DAG_STORE_WASM_TOOLCHAIN=rustup` or
    /// `=debian` forces the way. The npm tools go to the cache, outside of this clone.
    Setup,
    /// Build the npm package: target/npm/dag-store-VERSION.tgz
    ///
    /// Reads the recipe in wasm-pack.toml. Two runs give the same bytes. Fails when the wasm weighs
    /// more than the recipe's budget.
    Pack {
        /// Build the package's twin for the tests of failure: target/npm/dag-store-faults-VERSION.tgz
        #[arg(long)]
        faults: bool,
    },
    /// Run the main job: a real DAG through the packaged store in Node, and through the crate
    ///
    /// Imports the commit graph of a git repository (by default this clone's own) in atomic batches,
    /// asks for heads and counts, replays it in another order into a second store, rolls a batch
    /// back, and ends with the one state hash that both stores and the native crate agree on.
    Demo {
        /// A git repository whose commit graph is the input
        #[arg(long, value_name = "PATH", conflicts_with = "file")]
        repo: Option<PathBuf>,
        /// JSON lines as input: {"id", "parents", "timestamp" in ms}, in any order
        #[arg(long, value_name = "NODES.jsonl")]
        file: Option<PathBuf>,
    },
    /// Measure: all rows of benches/rows.toml, or those named; writes docs/benchmarks.md
    ///
    /// Installs what we are measured against, runs the programs in `benches/`, holds the figures against
    /// the goals, and writes docs/benchmarks/*.json, a plot for each table, and the page. Figures of rows
    /// that aren't named stay as they were, so a long run can be made in parts. All of it takes some
    /// tens of minutes. What else the machine does goes into the figures.
    Bench {
        /// Rows (W1) or tables (journals) [default: all]
        #[arg(value_name = "NAME")]
        names: Vec<String>,
        /// Run each row for a moment to see that it works; the figures mean nothing, and docs/ is left alone
        #[arg(long)]
        quick: bool,
        /// Measure nothing: write the plots and the page anew from the figures that are kept
        #[arg(long, conflicts_with_all = ["names", "quick"])]
        draw: bool,
    },
    /// Count instructions of fixed operations under valgrind, beside those kept in benches/counts.toml
    ///
    /// The same on any machine, however busy; `cargo xtask test counts` fails where they differ by more than a
    /// twentieth.
    Counts {
        /// Keep these
        #[arg(long)]
        write: bool,
    },
    /// Run the tests: all suites, or those named
    #[command(args_conflicts_with_subcommands = true)]
    Test {
        /// The suites to run [default: all but rocksdb]
        #[arg(value_name = "SUITE")]
        suites: Vec<Suite>,
        /// Run the long versions too, told by `DAG_STORE_FULL=1` (tens of minutes), and the suite `rocksdb`
        #[arg(long)]
        full: bool,
        #[command(subcommand)]
        only: Option<Only>,
    },
}

/// A suite of which a part can be run.
#[derive(Debug, Subcommand)]
enum Only {
    /// Run the package's whole suite in every runtime, or in those named
    ///
    /// Installs the runtimes from npm and the browsers from Debian, packs, and runs the suite in each
    /// with the package as a user has it.
    Runtimes {
        /// Names of the table's first column, or what they begin with: `deno`, `node-22`,
        /// `chromium-worker` [default: all]
        #[arg(value_name = "NAME")]
        names: Vec<String>,
    },
}

fn main() -> ExitCode {
    let result = Workspace::find().and_then(|workspace| match Cli::parse().command {
        Command::Setup => setup(&workspace).map(|()| true),
        Command::Pack { faults: false } => pack::pack(&workspace).map(|_tarball| true),
        Command::Pack { faults: true } => pack::pack_faults(&workspace).map(|_tarball| true),
        Command::Demo { repo, file } => {
            demo::demo(&workspace, &Input::new(repo, file)).map(|()| true)
        }
        Command::Bench { draw: true, .. } => bench::draw(&workspace).map(|()| true),
        Command::Bench { names, quick, .. } => {
            let effort = if quick { Effort::Quick } else { Effort::Full };
            bench::bench(&workspace, &names, effort).map(|measured| measured > 0)
        }
        Command::Counts { write } => counts(&workspace, write).map(|()| true),
        Command::Test { suites, full, only } => Ok(match only {
            None => suites::test(&workspace, &suites, &[], full),
            Some(Only::Runtimes { names }) => {
                suites::test(&workspace, &[Suite::Runtimes], &names, full)
            }
        }),
    });
    match result {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn setup(workspace: &Workspace) -> anyhow::Result<()> {
    let wasm = WasmToolchain::ensure(workspace)?;
    let tools = Tools::ensure(workspace)?;
    println!();
    println!("wasm        {wasm}");
    println!("npm tools   {}", tools.folder().display());
    println!("cache       {}", workspace.cache().display());
    Ok(())
}

fn counts(workspace: &Workspace, write: bool) -> anyhow::Result<()> {
    let counts = Counts::take(workspace)?;
    println!("\n{}", counts.table(Counts::kept(workspace).ok().as_ref()));
    if write { counts.write(workspace) } else { Ok(()) }
}
