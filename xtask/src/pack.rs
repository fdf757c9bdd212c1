//! Builds the npm package by the recipe, and its twin for the tests of failure.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, ensure};
use data_encoding::{BASE64, HEXLOWER};
use serde_json::Value;
use sha2::{Digest, Sha256};
use wasm_bindgen_cli_support::Bindgen;

use crate::names::function_names;
use crate::npm::Tools;
use crate::recipe::{Entry, Recipe};
use crate::run;
use crate::size::{Weight, deflate_raw, table};
use crate::toolchain::WasmToolchain;
use crate::workspace::{Workspace, files_below, read, remove_folder, write};

/// Installs what is missing, builds the package, reports what it weighs; returns the tarball.
pub(crate) fn pack(workspace: &Workspace) -> Result<PathBuf> {
    let recipe = Recipe::read(workspace)?;
    let packer = Packer::new(workspace, recipe, "npm")?;
    let tarball = packer.pack()?;
    packer.report(&tarball)?;
    Ok(tarball)
}

/// Builds the twin, which fails on command; returns its tarball.
pub(crate) fn pack_faults(workspace: &Workspace) -> Result<PathBuf> {
    let recipe = Recipe::read(workspace)?.with_faults();
    let built = Packer::new(workspace, recipe, "npm/faults")?.pack()?;
    let tarball = workspace.target("npm").join(file_name(&built));
    fs::rename(built, &tarball)?;
    run::say(&format!("target/npm/{}", file_name(&tarball)));
    Ok(tarball)
}

/// Builds the package once more, from a copy of the clone in another folder; it must be the same.
pub(crate) fn pack_elsewhere(workspace: &Workspace, tarball: &Path) -> Result<()> {
    // Always the same folder, since the cache keeps what it built for each.
    let folder = workspace.target("npm/elsewhere");
    remove_folder(&folder)?;
    let mut git = Command::new("git");
    git.args(["ls-files", "-z", "--cached", "--others", "--exclude-standard"]);
    for name in run::output(git.current_dir(workspace.root()))?.split_terminator('\0') {
        let file = workspace.root().join(name);
        // One that was removed and not yet committed is still listed.
        if file.is_file() {
            copy(&file, &folder.join(name))?;
        }
    }
    let elsewhere = workspace.elsewhere(&folder);
    let again = Packer::new(&elsewhere, Recipe::read(&elsewhere)?, "npm")?.pack()?;
    ensure!(fs::read(again)? == fs::read(tarball)?, "the same sources gave another package");
    remove_folder(&folder)
}

/// One package, as it is built.
#[derive(Debug)]
struct Packer<'a> {
    workspace: &'a Workspace,
    recipe: Recipe,
    toolchain: WasmToolchain,
    tools: Tools,
    /// Where the tarball goes, and what it is made from: `package` and, with the names, `debug`.
    folder: PathBuf,
}

impl<'a> Packer<'a> {
    fn new(workspace: &'a Workspace, recipe: Recipe, folder: &str) -> Result<Self> {
        let toolchain = WasmToolchain::ensure(workspace)?;
        let tools = Tools::ensure(workspace)?;
        Ok(Self { workspace, recipe, toolchain, tools, folder: workspace.target(folder) })
    }

    fn pack(&self) -> Result<PathBuf> {
        let built = self.build()?;
        self.bind(&built)?;
        self.optimise()?;
        self.assemble()?;
        self.make_tarball()
    }

    /// The crate as wasm, as the compiler leaves it.
    fn build(&self) -> Result<PathBuf> {
        let wasm = &self.recipe.wasm;
        let mut cargo = self.toolchain.cargo(self.workspace, "rustc", &wasm.rustflags);
        cargo
            .args(["--package", "dag-store", "--lib", "--crate-type", "cdylib"])
            .args(["--no-default-features", "--features", &wasm.features.join(",")])
            .args(["--profile", &wasm.profile])
            // Last, and for this crate only: what differs here does not build anything else anew.
            .arg("--")
            .args(&wasm.linking)
            .arg(format!("--remap-path-prefix={}=/dag-store", self.workspace.root().display()));
        let toolchain = &self.toolchain;
        let what =
            format!("build the crate as wasm, with the {toolchain} (minutes the first time)");
        self.logged("wasm-build", &what, &mut cargo)?;
        Ok(toolchain.output(&wasm.profile).join("dag_store.wasm"))
    }

    /// Runs wasm-bindgen: leaves the wasm, with its names, in the debug folder, and the glue.
    fn bind(&self, built: &Path) -> Result<()> {
        run::say("wasm-bindgen --target web --omit-default-module-path");
        let mut bindgen = Bindgen::new();
        bindgen
            .input_path(built)
            .out_name(&stem(&self.recipe.wasm.file))
            .web(true)?
            .omit_default_module_path(true)
            .typescript(false);
        let mut output = bindgen.generate_output().context("wasm-bindgen")?;
        ensure!(
            output.snippets().values().all(Vec::is_empty) && output.local_modules().is_empty(),
            "the crate brings JavaScript of its own, which the package has no place for"
        );
        write(&self.debug("bound.wasm"), output.wasm_mut().emit_wasm())?;
        let bare = self.debug("glue.js");
        write(&bare, output.js())?;
        let mut esbuild = self.tools.command("esbuild");
        esbuild.arg(&bare).arg("--allow-overwrite").args(&self.recipe.wasm.wrap);
        esbuild.arg(format!("--outfile={}", bare.display()));
        self.logged("esbuild-glue", "esbuild: wrap the glue", &mut esbuild)
    }

    /// Runs wasm-opt. The debug folder gets a copy with names; the same code without them ships.
    fn optimise(&self) -> Result<()> {
        let bound = self.debug("bound.wasm");
        let named = self.debug(&file_name(&self.recipe.wasm.file));
        let bare = self.debug("bare.wasm");
        let flags = &self.recipe.optimise.flags;
        let what = format!("wasm-opt {}", flags.first().map_or("", String::as_str));
        let mut optimise = self.tools.command("wasm-opt");
        optimise.args(flags).arg("--debuginfo").arg(&bound).arg("--output").arg(&named);
        self.logged("wasm-opt", &what, &mut optimise)?;
        let mut strip = self.tools.command("wasm-opt");
        let features = flags.iter().filter(|flag| flag.starts_with("--enable-"));
        strip.args(features).args([
            "--strip-debug",
            "--strip-producers",
            "--strip-target-features",
        ]);
        strip.arg(&named).arg("--output").arg(&bare);
        self.logged("wasm-strip", "wasm-opt: strip names and producers", &mut strip)?;
        fs::remove_file(bound)?;
        Ok(())
    }

    /// Lays out the package's folder.
    fn assemble(&self) -> Result<()> {
        let package = self.package();
        let shown = package.strip_prefix(self.workspace.root()).unwrap_or(&package);
        run::say(&format!("assemble {}", shown.display()));
        remove_folder(&package)?;
        let Recipe { wasm, package: parts, entries, .. } = &self.recipe;
        let (named, bare) = (self.debug(&file_name(&wasm.file)), self.debug("bare.wasm"));
        let code = fs::read(bare)?;
        write(&package.join(&wasm.inline), inline_module(&wasm.file, &code)?)?;
        write(&package.join(&wasm.file), code)?;
        write(&package.join(&wasm.names), function_names(&fs::read(named)?)?)?;
        copy(&self.debug("glue.js"), &package.join(&wasm.glue))?;

        let template = self.workspace.root().join(&parts.template);
        for file in files_below(&template)? {
            let root = parts.root.iter().any(|name| Path::new(name) == file);
            let to = if root { package.join(&file) } else { package.join("dist").join(&file) };
            copy(&template.join(&file), &to)?;
        }
        for name in &parts.licences {
            copy(&self.workspace.root().join(name), &package.join(name))?;
        }
        fill_in(&package.join("package.json"), &parts.name, &self.workspace.version()?)?;
        for entry in entries.iter().filter(|entry| entry.bundle) {
            self.bundle(entry)?;
        }
        for entry in entries.iter().filter(|entry| entry.cjs) {
            self.make_twin(entry)?;
        }
        check_exports(&package)
    }

    /// An entry with all that it imports, from the development tools too.
    fn bundle(&self, entry: &Entry) -> Result<()> {
        let mut esbuild = self.tools.command("esbuild");
        esbuild
            .current_dir(self.package().join("dist"))
            .env("NODE_PATH", self.tools.folder())
            .arg(&entry.file)
            .args(["--bundle", "--format=esm", "--log-level=warning", "--allow-overwrite"])
            .arg(format!("--outfile={}", entry.file))
            .args(&entry.esbuild);
        let what = format!("esbuild: {}, with what it imports", entry.file);
        self.logged(&format!("esbuild-bundle-{}", stem(&entry.file)), &what, &mut esbuild)
    }

    /// The `CommonJS` twin of an entry, and of its types.
    fn make_twin(&self, entry: &Entry) -> Result<()> {
        let dist = self.package().join("dist");
        let twin = Path::new(&entry.file).with_extension("cjs");
        let mut esbuild = self.tools.command("esbuild");
        esbuild
            .current_dir(&dist)
            .arg(&entry.file)
            .args(["--bundle", "--format=cjs", "--log-level=warning"])
            .arg(format!("--outfile={}", twin.display()))
            .args(&entry.esbuild);
        let what = format!("esbuild: {} -> {}", entry.file, twin.display());
        self.logged(&format!("esbuild-{}", stem(&entry.file)), &what, &mut esbuild)?;
        let types = entry.types.strip_suffix(".d.ts").context("types must be a .d.ts file")?;
        copy(&dist.join(&entry.types), &dist.join(format!("{types}.d.cts")))
    }

    fn make_tarball(&self) -> Result<PathBuf> {
        let mut npm = Command::new("npm");
        npm.args(["pack", "--ignore-scripts", "--pack-destination"]).arg(&self.folder);
        self.logged("npm-pack", "npm pack", npm.current_dir(self.package()))?;
        let version = self.workspace.version()?;
        let tarball = self.folder.join(format!("{}-{version}.tgz", self.recipe.package.name));
        ensure!(tarball.is_file(), "npm pack left no {}", tarball.display());
        Ok(tarball)
    }

    /// What a page downloads: the wasm, and each entry as a bundler ships it. Fails beyond the budget.
    fn report(&self, tarball: &Path) -> Result<()> {
        let file = &self.recipe.wasm.file;
        let wasm = fs::read(self.package().join(file))?;
        let mut weights = vec![Weight::of(&file_name(file), &wasm)?];
        for entry in &self.recipe.entries {
            let bundled = self.debug("bundled.js");
            let mut esbuild = self.tools.command("esbuild");
            esbuild
                .arg(self.package().join("dist").join(&entry.file))
                .args(["--bundle", "--minify", "--format=esm", "--log-level=warning"])
                .args(["--external:node:*", "--external:*.wasm"])
                .arg(format!("--outfile={}", bundled.display()));
            if !entry.inline {
                esbuild.arg("--external:*/inline-data.js");
            }
            run::quietly(self.workspace, "esbuild-size", &mut esbuild)?;
            weights.push(Weight::of(&entry.file, &fs::read(&bundled)?)?);
            fs::remove_file(bundled)?;
        }
        let tarball_bytes = fs::read(tarball)?;
        println!("\n{}", table(&weights, &self.recipe.size, tarball_bytes.len()));
        for (name, bytes) in [(file_name(file), wasm), (file_name(tarball), tarball_bytes)] {
            println!("sha256  {}  {name}", HEXLOWER.encode(&Sha256::digest(bytes)));
        }
        weights.iter().try_for_each(|weight| weight.check(&self.recipe.size))
    }

    fn logged(&self, name: &str, what: &str, command: &mut Command) -> Result<()> {
        run::logged(self.workspace, name, what, command).map(drop)
    }

    fn package(&self) -> PathBuf {
        self.folder.join("package")
    }

    fn debug(&self, name: &str) -> PathBuf {
        self.folder.join("debug").join(name)
    }
}

/// The wasm as a module, for where no file can be loaded.
fn inline_module(file: &str, wasm: &[u8]) -> Result<String> {
    let text = BASE64.encode(&deflate_raw(wasm)?);
    Ok(format!(
        "// {} as base64 of its deflate-raw.\nexport default \"{text}\";\n",
        file_name(file)
    ))
}

fn fill_in(path: &Path, name: &str, version: &str) -> Result<()> {
    let mut manifest: Value = serde_json::from_str(&read(path)?).context("package.json")?;
    let fields = manifest.as_object_mut().context("package.json is no object")?;
    for (field, value) in [("name", name), ("version", version)] {
        let old = fields.insert(field.to_owned(), value.into());
        ensure!(old.is_some(), "package.json has no `{field}` to fill in");
    }
    write(path, serde_json::to_string_pretty(&manifest)? + "\n")
}

/// Every file that package.json promises must be there.
fn check_exports(package: &Path) -> Result<()> {
    let manifest: Value = serde_json::from_str(&read(&package.join("package.json"))?)?;
    let mut open: Vec<&Value> = ["exports", "main", "module", "types", "sideEffects"]
        .iter()
        .filter_map(|field| manifest.get(field))
        .collect();
    let mut promised = BTreeSet::new();
    while let Some(value) = open.pop() {
        match value {
            Value::String(path) => drop(promised.insert(path.as_str())),
            Value::Object(conditions) => open.extend(conditions.values()),
            Value::Array(choices) => open.extend(choices),
            Value::Null | Value::Bool(_) | Value::Number(_) => {}
        }
    }
    ensure!(!promised.is_empty(), "package.json has no `exports`");
    for path in promised {
        ensure!(package.join(path).is_file(), "package.json promises {path}, which is not packed");
    }
    Ok(())
}

fn copy(from: &Path, to: &Path) -> Result<()> {
    write(to, fs::read(from).with_context(|| format!("reading {}", from.display()))?)
}

fn file_name(path: impl AsRef<Path>) -> String {
    path.as_ref().file_name().unwrap_or_default().to_string_lossy().into_owned()
}

fn stem(path: &str) -> String {
    Path::new(path).file_stem().unwrap_or_default().to_string_lossy().into_owned()
}
