//! An empty npm project with the package installed from its tarball: what a user has.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};
use tempfile::TempDir;

use crate::run;
use crate::workspace::{Workspace, files_below, write};

/// A project in a temporary folder, removed with it.
#[derive(Debug)]
pub(crate) struct Consumer {
    folder: TempDir,
}

impl Consumer {
    /// Makes the project and installs the tarball. The package has no dependencies, so this must
    /// work without a network.
    pub(crate) fn new(workspace: &Workspace, tarball: &Path) -> Result<Self> {
        let folder = tempfile::Builder::new().prefix("dag-store-consumer-").tempdir()?;
        let manifest = "{ \"name\": \"consumer\", \"private\": true, \"type\": \"module\" }\n";
        write(&folder.path().join("package.json"), manifest)?;
        let mut npm = Command::new("npm");
        npm.args(["install", "--offline", "--ignore-scripts", "--no-audit", "--no-fund"]);
        npm.arg(tarball).current_dir(folder.path());
        run::logged(workspace, "consumer", "install the tarball in an empty project", &mut npm)?;
        Ok(Self { folder })
    }

    /// A path in the project.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Copies a file, or a folder with all below it, from the clone to the same place here.
    pub(crate) fn take(&self, workspace: &Workspace, name: &str) -> Result<()> {
        let from = workspace.root().join(name);
        if from.is_file() {
            return self.take_file(workspace, Path::new(name));
        }
        for file in files_below(&from)? {
            self.take_file(workspace, &Path::new(name).join(file))?;
        }
        Ok(())
    }

    fn take_file(&self, workspace: &Workspace, path: &Path) -> Result<()> {
        let bytes = fs::read(workspace.root().join(path));
        write(&self.folder.path().join(path), bytes.with_context(|| path.display().to_string())?)
    }

    /// `node` in the project.
    pub(crate) fn node(&self) -> Command {
        let mut node = Command::new("node");
        node.current_dir(self.folder.path());
        node
    }
}
