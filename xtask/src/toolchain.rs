//! The compiler for wasm: Rust's standard library for `wasm32-unknown-unknown`, from rustup where its
//! server can be reached, else from Debian's source package and built here.

use std::env;
use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};

use crate::apt;
use crate::run;
use crate::workspace::Workspace;

/// The target that browsers, Deno, Workers, Node and Bun share.
pub(crate) const TARGET: &str = "wasm32-unknown-unknown";

/// Forces the way: `rustup` or `debian`.
const WAY_VARIABLE: &str = "DAG_STORE_WASM_TOOLCHAIN";

/// A machine without a way to rustup's server has to find that out in reasonable time.
const RUSTUP_LIMIT: Duration = Duration::from_secs(120);

/// Compiler, sources of the standard library, and the linter of that same compiler (another's could
/// not read its libraries).
const DEBIAN_PACKAGES: [&str; 3] = ["rustc-web", "rust-web-src", "rust-web-clippy"];
const DEBIAN_RUSTC: &str = "/usr/bin/rustc";

/// A compiler that can build for wasm.
#[derive(Debug)]
pub(crate) struct WasmToolchain {
    way: Way,
    target_folder: PathBuf,
}

#[derive(Debug)]
enum Way {
    /// The installed toolchain has the standard library for wasm.
    Component,
    /// Debian's compiler builds it from Debian's sources; the toolchain's own linker links.
    Debian { linker: PathBuf },
}

impl WasmToolchain {
    /// Finds the standard library for wasm, or installs it.
    pub(crate) fn ensure(workspace: &Workspace) -> Result<Self> {
        let forced = env::var(WAY_VARIABLE).unwrap_or_default();
        let way = match forced.as_str() {
            "" => any(workspace)?,
            "rustup" => component()?,
            "debian" => debian(workspace)?,
            other => bail!("{WAY_VARIABLE}={other}: must be rustup or debian"),
        };
        // What one compiler built is of no use to another, so each has its folder: else changing the
        // way would build everything again.
        let target_folder = match way {
            Way::Component => workspace.cache().join("wasm-target"),
            Way::Debian { .. } => debian_folder(workspace),
        };
        fs::create_dir_all(&target_folder)?;
        Ok(Self { way, target_folder })
    }

    /// `cargo <subcommand>` for wasm. The same flags every time, because others would build the
    /// standard library again.
    pub(crate) fn cargo(
        &self,
        workspace: &Workspace,
        subcommand: &str,
        flags: &[String],
    ) -> Command {
        let mut command = Command::new("cargo");
        command
            .arg(subcommand)
            .args(["--target", TARGET])
            .current_dir(workspace.root())
            .env("CARGO_TARGET_DIR", &self.target_folder)
            .env("CARGO_ENCODED_RUSTFLAGS", self.rustflags(flags).join("\u{1f}"));
        if let Way::Debian { linker } = &self.way {
            command
                .arg("-Zbuild-std=std,panic_abort")
                .env("RUSTC", DEBIAN_RUSTC)
                .env("RUSTC_BOOTSTRAP", "1")
                .env("CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_LINKER", linker);
        }
        command
    }

    /// What `cargo clippy -- --deny warnings` does, for wasm, by the linter that belongs to the
    /// compiler.
    pub(crate) fn clippy(&self, workspace: &Workspace, flags: &[String]) -> Command {
        let driver = match self.way {
            Way::Component => "clippy-driver",
            Way::Debian { .. } => "/usr/bin/clippy-driver",
        };
        let mut command = self.cargo(workspace, "check", flags);
        command.env("RUSTC_WORKSPACE_WRAPPER", driver);
        command.env("CLIPPY_ARGS", "--deny__CLIPPY_HACKERY__warnings__CLIPPY_HACKERY__");
        command
    }

    /// Where cargo leaves what it builds with a profile.
    pub(crate) fn output(&self, profile: &str) -> PathBuf {
        self.target_folder.join(TARGET).join(profile)
    }

    /// The recipe's flags, and what keeps the paths of this machine out of what is built.
    fn rustflags(&self, flags: &[String]) -> Vec<String> {
        let mut flags = flags.to_vec();
        for sources in registries() {
            flags.push(format!("--remap-path-prefix={}=/crates", sources.display()));
        }
        if matches!(self.way, Way::Debian { .. }) {
            flags.push("--remap-path-prefix=/usr/lib/rustlib/src/rust=/rust".to_owned());
        }
        flags
    }
}

impl fmt::Display for WasmToolchain {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.way {
            Way::Component => "std of the installed toolchain",
            Way::Debian { .. } => "std built here from Debian's sources",
        })
    }
}

/// The toolchain's own standard library, or else Debian's.
fn any(workspace: &Workspace) -> Result<Way> {
    if has_std() {
        return Ok(Way::Component);
    }
    // A machine that took this way before has no way to rustup's server, and need not wait for it
    // each time.
    if debian_folder(workspace).is_dir() && apt::missing(&DEBIAN_PACKAGES).is_empty() {
        return debian(workspace);
    }
    component().or_else(|no_component| {
        run::say(&format!("wasm std: from Debian instead, because {no_component:#}"));
        debian(workspace).with_context(|| {
            format!(
                "no standard library for {TARGET}: {no_component:#}. Install it with `rustup target \
                 add {TARGET}`, or on Debian with `apt-get install {}`",
                DEBIAN_PACKAGES.join(" ")
            )
        })
    })
}

/// Where cargo keeps the sources of dependencies: one folder a registry, named after it.
fn registries() -> Vec<PathBuf> {
    let home = env::var_os("CARGO_HOME").map(PathBuf::from);
    let home = home.or_else(|| env::home_dir().map(|home| home.join(".cargo")));
    let sources = home.map(|home| home.join("registry/src")).and_then(|it| fs::read_dir(it).ok());
    let mut folders: Vec<_> = sources.into_iter().flatten().flatten().map(|it| it.path()).collect();
    folders.sort();
    folders
}

/// The toolchain's own standard library for wasm, which rustup adds where it is missing.
fn component() -> Result<Way> {
    if has_std() {
        return Ok(Way::Component);
    }
    ensure!(
        run::is_there("rustup"),
        "the toolchain has no std for {TARGET} and there is no rustup"
    );
    run::say(&format!("wasm std: rustup target add {TARGET}"));
    let added =
        run::succeeds_within(RUSTUP_LIMIT, Command::new("rustup").args(["target", "add", TARGET]));
    ensure!(added, "rustup could not add the target {TARGET}");
    ensure!(has_std(), "rustup added the target {TARGET}, but not to the toolchain that is in use");
    Ok(Way::Component)
}

/// Whether the compiler in use finds `std` for wasm: the question that matters, whoever installed it.
fn has_std() -> bool {
    let mut rustc = Command::new("rustc");
    let folder = run::output(rustc.args(["--print", "target-libdir", "--target", TARGET]));
    let files = folder.ok().and_then(|folder| fs::read_dir(folder).ok());
    let mut names = files.into_iter().flatten().flatten().map(|entry| entry.file_name());
    names.any(|name| name.to_string_lossy().starts_with("libstd-"))
}

/// Debian's compiler and sources, which apt installs where they are missing.
fn debian(workspace: &Workspace) -> Result<Way> {
    apt::ensure(workspace, "wasm std", &DEBIAN_PACKAGES)?;
    Ok(Way::Debian { linker: linker()? })
}

fn debian_folder(workspace: &Workspace) -> PathBuf {
    workspace.cache().join("wasm-target-debian")
}

/// The linker for wasm that comes with the Rust toolchain.
fn linker() -> Result<PathBuf> {
    let sysroot = run::output(Command::new("rustc").args(["--print", "sysroot"]))?;
    let host = run::output(Command::new("rustc").args(["--print", "host-tuple"]))?;
    let linker = Path::new(&sysroot).join("lib/rustlib").join(host).join("bin/rust-lld");
    ensure!(linker.is_file(), "{} is not there: is Rust from rustup?", linker.display());
    Ok(linker)
}
