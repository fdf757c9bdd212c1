//! `RocksDB`, whose C++ takes longer to build than all the rest: built once, outside of this clone.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, ensure};
use serde_json::Value;

use crate::apt;
use crate::run;
use crate::workspace::{Workspace, read};

/// What its bindings are made with, as Debian has it. Its own headers come from the C compiler.
const DEBIAN_PACKAGES: [&str; 1] = ["libclang1"];
const PACKAGE: &str = "librocksdb-sys";
const LIBRARY: &str = "librocksdb.a";

/// The library, built.
#[derive(Debug)]
pub(crate) struct RocksDb {
    folder: PathBuf,
    headers: String,
}

impl RocksDb {
    /// Finds the library of the version in Cargo.lock, or builds it.
    pub(crate) fn ensure(workspace: &Workspace) -> Result<Self> {
        // Elsewhere libclang is a matter of whoever builds, and the error says so.
        if run::is_there("dpkg-query") {
            apt::ensure(workspace, "RocksDB's bindings", &DEBIAN_PACKAGES)?;
        }
        let headers = run::output(Command::new("cc").arg("-print-file-name=include"))?;
        let folder = workspace.cache().join(format!("rocksdb-{}", version(workspace)?));
        let rocksdb = RocksDb { folder, headers };
        let library = rocksdb.folder.join(LIBRARY);
        if !library.is_file() {
            let built = rocksdb.build(workspace)?;
            fs::create_dir_all(&rocksdb.folder)?;
            // Whole or not at all, in case somebody else looks for it.
            let copy = rocksdb.folder.join("being-copied");
            fs::copy(&built, &copy).with_context(|| format!("copying {}", built.display()))?;
            fs::rename(&copy, &library)?;
        }
        Ok(rocksdb)
    }

    /// `cargo <subcommand>` that takes the library instead of building it.
    pub(crate) fn cargo(&self, workspace: &Workspace, subcommand: &str) -> Command {
        let mut cargo = self.builder(workspace, subcommand);
        cargo.env("ROCKSDB_LIB_DIR", &self.folder).env("ROCKSDB_STATIC", "1");
        cargo
    }

    fn builder(&self, workspace: &Workspace, subcommand: &str) -> Command {
        let mut cargo = Command::new("cargo");
        cargo.arg(subcommand).current_dir(workspace.root());
        cargo.env("BINDGEN_EXTRA_CLANG_ARGS", format!("-I{}", self.headers));
        cargo
    }

    /// Builds it as anybody's build would. Gives where it is.
    fn build(&self, workspace: &Workspace) -> Result<PathBuf> {
        let mut check = self.builder(workspace, "check");
        check.args(["--package", "dag-store", "--lib", "--features", "rocksdb"]);
        check.arg("--message-format=json");
        check.env("CARGO_TARGET_DIR", workspace.cache().join("rocksdb-target"));
        let what = "RocksDB: its C++ (15 minutes once, then cached)";
        let output = run::logged(workspace, "rocksdb", what, &mut check)?;
        let library = output.lines().find_map(out_folder).context("nobody built RocksDB")?;
        let library = Path::new(&library).join(LIBRARY);
        ensure!(library.is_file(), "{} is not there", library.display());
        Ok(library)
    }
}

/// Where the build of the package has put what it made, if this line of cargo's says so.
fn out_folder(line: &str) -> Option<String> {
    let message: Value = serde_json::from_str(line).ok()?;
    let is_it = message["reason"] == "build-script-executed"
        && message["package_id"].as_str()?.contains(PACKAGE);
    is_it.then(|| message["out_dir"].as_str().map(str::to_owned))?
}

/// The version in Cargo.lock.
fn version(workspace: &Workspace) -> Result<String> {
    let lock: toml::Table = read(&workspace.root().join("Cargo.lock"))?.parse()?;
    let packages = lock.get("package").and_then(toml::Value::as_array);
    let is_it =
        |package: &&toml::Value| package.get("name").and_then(toml::Value::as_str) == Some(PACKAGE);
    let found = packages.and_then(|packages| packages.iter().find(is_it));
    let version = found.and_then(|package| package.get("version")).and_then(toml::Value::as_str);
    version.map(str::to_owned).with_context(|| format!("Cargo.lock: no {PACKAGE}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_folder_is_read_from_what_cargo_says() {
        let line = r#"{"reason":"build-script-executed","package_id":"registry+x#librocksdb-sys@1","out_dir":"/o"}"#;
        assert_eq!(out_folder(line).as_deref(), Some("/o"));
        assert_eq!(out_folder(&line.replace("librocksdb-sys", "lz4-sys")), None);
        assert_eq!(out_folder("Compiling"), None);
    }
}
