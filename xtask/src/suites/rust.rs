//! The suites that cargo runs.

use std::process::Command;

use anyhow::{Context, Result, ensure};
use serde_json::Value;

use super::{Bench, Tally};
use crate::counts::Counts;
use crate::npm::Tools;
use crate::recipe::Recipe;
use crate::rocksdb::RocksDb;
use crate::run;
use crate::toolchain::WasmToolchain;
use crate::workspace::read;

/// The feature sets that tests and lints run with, beside the default.
const FEATURE_SETS: [&str; 3] = ["", "conformance", "tokio,conformance"];

/// What makes the API reference of the npm package, into `target/doc-js`.
const TYPEDOC: &str = "js-tests/typedoc";

/// The features of the npm package's build only make sense there; the rest go everywhere.
const WASM_ONLY: &str = "npm";

/// This feature needs a library that takes long to build.
const ROCKSDB: &str = "rocksdb";

/// These change nothing in the others, and have suites of their own: each would double the number of sets.
const APART: [&str; 2] = ["postgres", ROCKSDB];

impl Bench<'_> {
    pub(super) fn fmt(&self) -> Result<Tally> {
        self.check("fmt", "cargo fmt --check", self.cargo("fmt").args(["--all", "--check"]))
    }

    pub(super) fn clippy(&self) -> Result<Tally> {
        let mut tally = Tally::default();
        for features in FEATURE_SETS {
            let mut clippy = self.cargo("clippy");
            clippy.args(["--workspace", "--all-targets", "--features", features]);
            clippy.args(["--", "--deny", "warnings"]);
            let what = format!("cargo clippy, {}", with(features));
            tally.add(self.check(&format!("clippy-{features}"), &what, &mut clippy)?);
        }
        let (toolchain, recipe) = self.wasm_toolchain()?;
        let mut clippy = toolchain.clippy(self.workspace, &recipe.wasm.rustflags);
        clippy.args(["--package", "dag-store", "--lib", "--features", WASM_ONLY]);
        tally.add(self.check("clippy-wasm", "clippy for wasm, with npm", &mut clippy)?);
        Ok(tally)
    }

    pub(super) fn doc(&self) -> Result<Tally> {
        let mut doc = self.cargo("doc");
        doc.args(["--workspace", "--no-deps", "--features", "conformance"]);
        doc.env("RUSTDOCFLAGS", "-D warnings");
        let mut tally = self.check("doc", "cargo doc, warnings as errors", &mut doc)?;
        let typedoc = Tools::of(self.workspace, TYPEDOC)?;
        let mut doc = typedoc.command("typedoc");
        doc.current_dir(self.workspace.root().join(TYPEDOC));
        tally.add(self.check("typedoc", "typedoc, warnings as errors", &mut doc)?);
        Ok(tally)
    }

    pub(super) fn features(&self) -> Result<Tally> {
        let (toolchain, recipe) = self.wasm_toolchain()?;
        let mut tally = Tally::default();
        let mut names = self.feature_names()?;
        names.retain(|name| !APART.contains(&name.as_str()));
        for features in powerset(&names) {
            let flags = ["--package", "dag-store", "--lib", "--no-default-features", "--features"];
            let what = with(&features);
            let mut check = self.cargo("check");
            check.args(flags).arg(&features);
            let log = format!("features-{features}");
            tally.add(self.check(&log, &format!("native, {what}"), &mut check)?);
            let mut check = toolchain.cargo(self.workspace, "check", &recipe.wasm.rustflags);
            check.args(flags).arg(&features);
            let log = format!("features-wasm-{features}");
            tally.add(self.check(&log, &format!("wasm, {what}"), &mut check)?);
        }
        Ok(tally)
    }

    /// Whether the crate builds with the Rust that `rust-version` promises, where that is installed.
    /// Where it isn't, what is left to check is that no dependency asks for a newer one (clippy's
    /// `incompatible_msrv` looks at what the code itself uses).
    pub(super) fn msrv(&self) -> Result<Tally> {
        let metadata = run::output(self.cargo("metadata").args(["--format-version", "1"]))?;
        let metadata: Value = serde_json::from_str(&metadata)?;
        let oldest = rust_version(&metadata, "dag-store").context("no rust-version")?;
        let mut tally = Tally::default();

        run::say(&format!("no dependency asks for a Rust later than {oldest}"));
        let mut tree = self.cargo("tree");
        tree.args(["--package", "dag-store", "--edges", "normal", "--prefix", "none"]);
        tree.args(["--features", "tokio,conformance,postgres,rocksdb", "--format", "{p}"]);
        let mut late = Vec::new();
        for line in run::output(&mut tree)?.lines() {
            let name = line.split(' ').next().unwrap_or_default();
            let asks = rust_version(&metadata, name).unwrap_or_default();
            if number(&asks) > number(&oldest) {
                late.push(format!("{name} asks for {asks}"));
            }
        }
        if !late.is_empty() {
            self.failed(&late.join(", "));
        }
        tally.add(Tally::of(late.is_empty()));

        let toolchain = format!("+{oldest}");
        if run::output(Command::new("rustc").args([&toolchain, "--version"])).is_ok() {
            let mut check = Command::new("cargo");
            check.args([&toolchain, "check", "--package", "dag-store", "--lib"]);
            check
                .args(["--features", "tokio,conformance,postgres"])
                .current_dir(self.workspace.root());
            check.env_remove("RUSTUP_TOOLCHAIN").env_remove("RUSTC");
            tally.add(self.check("msrv", &format!("builds with Rust {oldest}"), &mut check)?);
        } else {
            println!("  Rust {oldest} is not installed here: not built with it");
        }
        Ok(tally)
    }

    pub(super) fn rust(&self) -> Result<Tally> {
        let mut tally = Tally::default();
        let runs: [(&str, &[&str]); 3] = [
            ("default and conformance", &["--workspace", "--features", "dag-store/conformance"]),
            ("no default features", &["--no-default-features"]),
            ("tokio and conformance", &["--features", "tokio,conformance"]),
        ];
        for (what, flags) in runs {
            let mut test = self.cargo("test");
            test.args(flags).arg("--no-fail-fast");
            let log = format!("test-{}", what.replace(' ', "-"));
            tally.add(self.counted(&log, &format!("cargo test, {what}"), &mut test, count)?);
        }
        Ok(tally)
    }

    /// All that the other suites do, for what only the feature `rocksdb` brings.
    pub(super) fn counts(&self) -> Result<Tally> {
        let (counts, kept) = (Counts::take(self.workspace)?, Counts::kept(self.workspace)?);
        println!("\n{}", counts.table(Some(&kept)));
        let differences = counts.differences(&kept);
        for difference in &differences {
            self.failed(difference);
        }
        Ok(Tally {
            passed: counts.len().saturating_sub(differences.len()),
            failed: differences.len(),
        })
    }

    pub(super) fn rocksdb(&self) -> Result<Tally> {
        let library = RocksDb::ensure(self.workspace)?;
        let cargo = |subcommand| library.cargo(self.workspace, subcommand);
        let package = ["--package", "dag-store", "--features", "rocksdb,conformance"];
        let mut tally = Tally::default();
        let mut clippy = cargo("clippy");
        clippy.args(package).args(["--all-targets", "--", "--deny", "warnings"]);
        tally.add(self.check("clippy-rocksdb", "cargo clippy, with rocksdb", &mut clippy)?);
        let mut doc = cargo("doc");
        doc.args(package).arg("--no-deps").env("RUSTDOCFLAGS", "-D warnings");
        tally.add(self.check("doc-rocksdb", "cargo doc, with rocksdb", &mut doc)?);
        let (toolchain, recipe) = self.wasm_toolchain()?;
        let mut check = toolchain.cargo(self.workspace, "check", &recipe.wasm.rustflags);
        check.args(["--package", "dag-store", "--lib", "--features", ROCKSDB]);
        tally.add(self.check("rocksdb-wasm", "wasm, where it has no effect", &mut check)?);

        let tests = ["kv", "kv_store", "kill_rocks", "trace"].map(|name| ["--test", name]);
        let mut test = cargo("test");
        test.args(package).args(tests.as_flattened()).arg("--no-fail-fast");
        tally.add(self.counted("test-rocksdb", "cargo test, with rocksdb", &mut test, count)?);
        let mut example = cargo("run");
        example.args(package).args(["--example", "larger_than_memory", "50_000"]);
        tally.add(self.check("larger-than-memory", "50,000 nodes in RocksDB", &mut example)?);
        Ok(tally)
    }

    pub(super) fn wasm(&self) -> Result<Tally> {
        let (toolchain, recipe) = self.wasm_toolchain()?;
        let runner = self.wasm_runner()?;
        let runs: [(&str, &[&str]); 2] = [
            ("the conformance suite", &["--test", "wasm", "--features", "conformance"]),
            ("the bindings", &["--lib", "--features", WASM_ONLY]),
        ];
        let mut tally = Tally::default();
        for (what, flags) in runs {
            let mut test = toolchain.cargo(self.workspace, "test", &recipe.wasm.rustflags);
            test.args(["--package", "dag-store"]).args(flags);
            test.env("CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_RUNNER", &runner);
            let log = format!("test-wasm-{}", what.replace(' ', "-"));
            let what = format!("cargo test on wasm, in Node: {what}");
            tally.add(self.counted(&log, &what, &mut test, count)?);
        }
        Ok(tally)
    }

    /// The test runner of wasm-bindgen, of the version in Cargo.lock.
    fn wasm_runner(&self) -> Result<std::path::PathBuf> {
        let lock: toml::Table = read(&self.workspace.root().join("Cargo.lock"))?.parse()?;
        let packages = lock.get("package").and_then(toml::Value::as_array);
        let is_it = |package: &&toml::Value| {
            package.get("name").and_then(toml::Value::as_str) == Some("wasm-bindgen")
        };
        let found = packages.and_then(|packages| packages.iter().find(is_it));
        let version =
            found.and_then(|package| package.get("version")).and_then(toml::Value::as_str);
        let version = version.context("Cargo.lock: no wasm-bindgen")?;

        let folder = self.workspace.cache().join(format!("wasm-bindgen-{version}"));
        let runner = folder.join("bin/wasm-bindgen-test-runner");
        if !runner.is_file() {
            let mut install = self.cargo("install");
            install
                .arg(format!("wasm-bindgen-cli@={version}"))
                .args(["--no-default-features", "--root"])
                .arg(&folder)
                // Its own folder, so that an interrupted build goes on where it was.
                .env("CARGO_TARGET_DIR", self.workspace.cache().join("wasm-bindgen-target"));
            let what = "wasm-bindgen's test runner: cargo install (minutes once, then cached)";
            run::logged(self.workspace, "wasm-bindgen-cli", what, &mut install)?;
        }
        ensure!(runner.is_file(), "{} is not there", runner.display());
        Ok(runner)
    }

    pub(super) fn wasm_toolchain(&self) -> Result<(WasmToolchain, Recipe)> {
        Ok((WasmToolchain::ensure(self.workspace)?, Recipe::read(self.workspace)?))
    }

    pub(super) fn cargo(&self, subcommand: &str) -> Command {
        let mut cargo = Command::new("cargo");
        cargo.arg(subcommand).current_dir(self.workspace.root());
        cargo
    }

    fn feature_names(&self) -> Result<Vec<String>> {
        let manifest: toml::Table = read(&self.workspace.root().join("Cargo.toml"))?.parse()?;
        let features = manifest.get("features").and_then(toml::Value::as_table);
        let names = features.context("Cargo.toml: no features")?.keys();
        Ok(names.filter(|name| *name != "default").cloned().collect())
    }
}

/// Sums up the lines that each test program ends with.
pub(super) fn count(output: &str) -> Tally {
    let mut tally = Tally::default();
    for line in output.lines().filter(|line| line.starts_with("test result:")) {
        tally.passed += number_before(line, "passed");
        // Here a skipped test is a failure: it would look like one that passed.
        tally.failed += number_before(line, "failed") + number_before(line, "ignored");
    }
    tally
}

fn number_before(line: &str, word: &str) -> usize {
    let mut words = line.split([' ', ';']).filter(|word| !word.is_empty());
    let mut before = "";
    for next in &mut words {
        if next == word {
            return before.parse().unwrap_or(0);
        }
        before = next;
    }
    0
}

fn rust_version(metadata: &Value, name: &str) -> Option<String> {
    let packages = metadata.get("packages")?.as_array()?;
    let versions = packages.iter().filter(|package| package["name"] == name);
    let versions = versions.filter_map(|package| package["rust_version"].as_str());
    versions.max_by_key(|version| number(version)).map(str::to_owned)
}

/// A version as something that can be compared.
fn number(version: &str) -> Vec<u32> {
    version.split('.').map(|part| part.parse().unwrap_or(0)).collect()
}

fn with(features: &str) -> String {
    if features.is_empty() { "no features".to_owned() } else { format!("with {features}") }
}

/// Every set of these names, each as cargo wants it.
fn powerset(names: &[String]) -> Vec<String> {
    let mut sets: Vec<Vec<&str>> = vec![Vec::new()];
    for name in names {
        for number in 0..sets.len() {
            let mut set = sets[number].clone();
            set.push(name);
            sets.push(set);
        }
    }
    sets.into_iter().map(|set| set.join(",")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn results_are_summed_up() {
        let output = "test a ... ok\n\
            test result: ok. 12 passed; 0 failed; 0 ignored; 0 measured; 0 filtered out; finished in 0.1s\n\
            test result: FAILED. 3 passed; 2 failed; 1 ignored; 0 measured; 0 filtered out\n";
        assert_eq!(count(output), Tally { passed: 15, failed: 3 });
        assert_eq!(count("error: could not compile"), Tally::default());
    }

    #[test]
    fn every_set_of_features_is_there_once() {
        let names = ["a", "b", "c"].map(str::to_owned);
        let expected = ["", "a", "b", "a,b", "c", "a,c", "b,c", "a,b,c"];
        assert_eq!(powerset(&names), expected);
    }

    #[test]
    fn versions_compare_as_numbers() {
        assert!(number("1.100") > number("1.88"));
        assert!(number("1.88.1") > number("1.88"));
        assert!(number("") < number("1"));
    }
}
