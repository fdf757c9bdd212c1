//! All that the other suites do, for what only the feature `postgres` brings.

use anyhow::{Context, Result};

use super::javascript::Package;
use super::runtimes::HARNESS;
use super::{Bench, Tally, rust};
use crate::apt;
use crate::cargo;
use crate::npm::Tools;

/// The server, and what makes a certificate for it, as Debian has them.
const DEBIAN_PACKAGES: [&str; 2] = ["postgresql", "openssl"];

const FEATURES: &str = "postgres,conformance";

impl Bench<'_> {
    /// The tests start and end servers of their own; Debian's is left alone.
    pub(super) fn postgres(&self, package: &mut Package<'_>) -> Result<Tally> {
        apt::ensure(self.workspace, "PostgreSQL", &DEBIAN_PACKAGES)?;
        let flags = |features: &'static str| ["--package", "dag-store", "--features", features];
        let mut tally = Tally::default();
        let mut check = self.cargo("check");
        check.args(flags("postgres")).arg("--lib");
        tally.add(self.check("postgres-alone", "native, with postgres alone", &mut check)?);
        let (toolchain, recipe) = self.wasm_toolchain()?;
        let mut check = toolchain.cargo(self.workspace, "check", &recipe.wasm.rustflags);
        check.args(flags("postgres")).arg("--lib");
        tally.add(self.check("postgres-wasm", "wasm, where it has no effect", &mut check)?);
        let mut clippy = self.cargo("clippy");
        clippy.args(flags(FEATURES)).args(["--all-targets", "--", "--deny", "warnings"]);
        tally.add(self.check("clippy-postgres", "cargo clippy, with postgres", &mut clippy)?);
        let mut doc = self.cargo("doc");
        doc.args(flags(FEATURES)).arg("--no-deps").env("RUSTDOCFLAGS", "-D warnings");
        tally.add(self.check("doc-postgres", "cargo doc, with postgres", &mut doc)?);
        let mut test = self.cargo("test");
        test.args(flags(FEATURES)).args(["--doc", "postgres"]);
        let what = "cargo test, the examples with postgres";
        tally.add(self.counted("test-postgres-doc", what, &mut test, rust::count)?);
        let mut test = self.cargo("test");
        test.args(flags(FEATURES)).args(["--test", "postgres"]);
        let what = "cargo test, with postgres, on a server";
        tally.add(self.counted("test-postgres", what, &mut test, rust::count)?);
        let mut test = self.cargo("test");
        test.args(flags(FEATURES)).args(["--test", "trace", "in_postgres"]);
        let what = "cargo test, the golden trace in postgres";
        tally.add(self.counted("test-postgres-trace", what, &mut test, rust::count)?);

        // Those tests are also the native process that writes beside the ones in JavaScript.
        let mut build = self.cargo("test");
        build.args(flags(FEATURES)).args(["--test", "postgres", "--no-run"]);
        let worker = cargo::built(&mut build)?;
        let runtimes = Tools::of(self.workspace, HARNESS)?;
        let environment = [
            ("DAG_STORE_POSTGRES_WORKER", worker.to_str().context("a program's name")?),
            ("DAG_STORE_RUNTIMES", runtimes.folder().to_str().context("a folder's name")?),
        ];
        let chosen = |file: &std::path::Path| file.starts_with("postgres");
        tally.add(self.node_tests(package, "postgres", chosen, &environment)?);
        Ok(tally)
    }
}
