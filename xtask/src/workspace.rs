//! Where things are: the clone, what it builds, and the cache that outlives it.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

/// The clone and the cache.
#[derive(Debug)]
pub(crate) struct Workspace {
    root: PathBuf,
    cache: PathBuf,
}

impl Workspace {
    /// Finds both; creates the cache.
    pub(crate) fn find() -> Result<Self> {
        let manifest = env::var_os("CARGO_MANIFEST_DIR").map(PathBuf::from);
        let root = match manifest.as_deref().and_then(Path::parent) {
            Some(root) => root.to_owned(),
            None => env::current_dir()?,
        };
        let base = match env::var_os("XDG_CACHE_HOME").filter(|path| !path.is_empty()) {
            Some(path) => PathBuf::from(path),
            None => env::home_dir().context("no home folder: set XDG_CACHE_HOME")?.join(".cache"),
        };
        let cache = base.join("dag-store");
        fs::create_dir_all(&cache).with_context(|| format!("creating {}", cache.display()))?;
        Ok(Self { root, cache })
    }

    /// A copy of the clone, with the same cache.
    pub(crate) fn elsewhere(&self, root: &Path) -> Self {
        Self { root: root.to_owned(), cache: self.cache.clone() }
    }

    /// The root of the clone.
    pub(crate) fn root(&self) -> &Path {
        &self.root
    }

    /// What is too dear to make again for every clone: tools, and the standard library for wasm.
    pub(crate) fn cache(&self) -> &Path {
        &self.cache
    }

    /// A path of what is made here, `target/<name>`, whatever `CARGO_TARGET_DIR` says.
    pub(crate) fn target(&self, name: &str) -> PathBuf {
        self.root.join("target").join(name)
    }

    /// The version of the crate, which is the npm package's too.
    pub(crate) fn version(&self) -> Result<String> {
        let path = self.root.join("Cargo.toml");
        let text = read(&path)?;
        let manifest: toml::Table =
            text.parse().with_context(|| format!("reading {}", path.display()))?;
        let version = manifest.get("package").and_then(|package| package.get("version"));
        let version = version.and_then(toml::Value::as_str);
        Ok(version.context("Cargo.toml: package.version is not there")?.to_owned())
    }
}

/// Reads a text file; the error names it.
pub(crate) fn read(path: &Path) -> Result<String> {
    fs::read_to_string(path).with_context(|| format!("reading {}", path.display()))
}

/// Writes a file and the folders above it; the error names it.
pub(crate) fn write(path: &Path, bytes: impl AsRef<[u8]>) -> Result<()> {
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder).with_context(|| format!("creating {}", folder.display()))?;
    }
    fs::write(path, bytes).with_context(|| format!("writing {}", path.display()))
}

/// Removes a folder with all that is in it, if it is there.
pub(crate) fn remove_folder(path: &Path) -> Result<()> {
    match fs::remove_dir_all(path) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            Err(error).with_context(|| format!("removing {}", path.display()))
        }
        _ => Ok(()),
    }
}

/// The files below a folder, as sorted paths relative to it, without `node_modules`.
pub(crate) fn files_below(folder: &Path) -> Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    let mut open = vec![folder.to_owned()];
    while let Some(here) = open.pop() {
        let entries = fs::read_dir(&here).with_context(|| format!("reading {}", here.display()))?;
        for entry in entries {
            let path = entry?.path();
            if path.file_name().is_some_and(|name| name == "node_modules") {
                continue;
            }
            if path.is_dir() {
                open.push(path);
            } else {
                found.push(path.strip_prefix(folder)?.to_owned());
            }
        }
    }
    found.sort();
    Ok(found)
}
