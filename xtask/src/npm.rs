//! Node, and what comes from npm: wasm-opt, esbuild and the independent codecs; the runtimes and the
//! bundlers that the package is tested in.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, ensure};
use data_encoding::HEXLOWER;
use sha2::{Digest, Sha256};

use crate::run;
use crate::workspace::{Workspace, read, remove_folder};

const MANIFEST: [&str; 3] = ["package.json", "package-lock.json", ".npmrc"];
const OLDEST_NODE: u32 = 20;

/// What a `package-lock.json` in this clone pins, installed.
#[derive(Debug)]
pub(crate) struct Tools {
    folder: PathBuf,
}

impl Tools {
    /// The tools that build the package, and what its tests compare it with.
    pub(crate) fn ensure(workspace: &Workspace) -> Result<Self> {
        Self::of(workspace, "js-tests")
    }

    /// Installs what a folder's manifest names into the cache, unless it is there, and links it into
    /// the folder.
    pub(crate) fn of(workspace: &Workspace, name: &str) -> Result<Self> {
        require_node()?;
        let from = workspace.root().join(name);
        let mut hash = Sha256::new();
        for file in MANIFEST {
            hash.update(read(&from.join(file))?);
        }
        let folder = workspace.cache().join(format!("npm-{}", short(&hash.finalize())));
        let tools = Self { folder: folder.join("node_modules") };
        if !tools.folder.is_dir() {
            // Installed beside and then moved, so that what has the name is whole.
            let partial = folder.with_extension(format!("{}.partial", std::process::id()));
            remove_folder(&partial)?;
            fs::create_dir_all(&partial)?;
            for file in MANIFEST {
                fs::copy(from.join(file), partial.join(file))?;
            }
            // Not `npm ci`, which refuses a lock file that lacks what other platforms need: not every
            // registry has that. What the lock file has, it pins all the same.
            let mut npm = Command::new("npm");
            npm.args(["install", "--ignore-scripts", "--no-audit", "--no-fund"]);
            let what = format!("{name}: npm install (once, then cached)");
            run::logged(workspace, "npm-tools", &what, npm.current_dir(&partial))?;
            if fs::rename(&partial, &folder).is_err() {
                // Somebody else was first.
                remove_folder(&partial)?;
            }
            ensure!(tools.folder.is_dir(), "npm install left no {}", tools.folder.display());
        }
        link(&tools.folder, &from.join("node_modules"))?;
        Ok(tools)
    }

    /// The `node_modules` folder.
    pub(crate) fn folder(&self) -> &Path {
        &self.folder
    }

    /// A tool by its name.
    pub(crate) fn command(&self, tool: &str) -> Command {
        Command::new(self.folder.join(".bin").join(tool))
    }
}

/// A link of this name to that folder, whatever it was before.
pub(crate) fn link(to: &Path, link: &Path) -> Result<()> {
    if fs::read_link(link).is_ok_and(|there| there == to) {
        return Ok(());
    }
    match fs::symlink_metadata(link) {
        Ok(there) if there.is_dir() => remove_folder(link)?,
        Ok(_) => fs::remove_file(link)?,
        Err(_) => {}
    }
    symlink(to, link).with_context(|| format!("linking {}", link.display()))
}

/// The first 16 digits of a digest in hex: enough to name a folder.
fn short(digest: &[u8]) -> String {
    HEXLOWER.encode(digest).chars().take(16).collect()
}

fn require_node() -> Result<()> {
    let advice = format!("Node {OLDEST_NODE} or later, with npm, must be installed");
    let version = run::output(Command::new("node").arg("--version")).context(advice.clone())?;
    let major = version.trim_start_matches('v').split('.').next().and_then(|it| it.parse().ok());
    ensure!(major.is_some_and(|major: u32| major >= OLDEST_NODE), "{advice}; this is {version}");
    ensure!(run::is_there("npm"), "{advice}; npm is not there");
    Ok(())
}
