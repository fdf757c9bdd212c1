//! The project's own commands, run as `cargo xtask <command>`: they install what is missing, build
//! the npm package, run the main job with it, and test everything.

mod apt;
mod bench;
mod consumer;
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
    /// Measure journals beside what people use in their place; write docs/benchmarks
    ///
    /// Installs the peers and the runtimes, packs, and measures by turns in each runtime: one node and
    /// wait, 64 at once, 1,000 as one batch; opening; bytes on the disk. Takes some minutes; writes the
    /// figures only where all of it was measured.
    Bench {
        /// Where to measure: `native`, `disk`, `chromium`, `firefox`, `durable-object` [default: all]
        #[arg(value_name = "NAME")]
        names: Vec<String>,
        /// How often all take their turn
        #[arg(long, default_value_t = 30)]
        rounds: u32,
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
        Command::Bench { names, rounds } => bench::bench(&workspace, &names, rounds).map(|()| true),
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
