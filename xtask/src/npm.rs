//! Node, and the development tools that come from npm: wasm-opt, esbuild, the independent codecs.

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

/// The tools that `js-tests/package-lock.json` pins, installed.
#[derive(Debug)]
pub(crate) struct Tools {
    folder: PathBuf,
}

impl Tools {
    /// Installs the tools into the cache, unless they are there, and links them into `js-tests/`.
    pub(crate) fn ensure(workspace: &Workspace) -> Result<Self> {
        require_node()?;
        let from = workspace.root().join("js-tests");
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
            run::logged(
                workspace,
                "npm-tools",
                "npm tools: npm ci (once, then cached)",
                Command::new("npm").args(["ci", "--ignore-scripts"]).current_dir(&partial),
            )?;
            if fs::rename(&partial, &folder).is_err() {
                // Somebody else was first.
                remove_folder(&partial)?;
            }
            ensure!(tools.folder.is_dir(), "npm ci left no {}", tools.folder.display());
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
