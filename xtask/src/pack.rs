//! Builds the npm package by the recipe.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, ensure};
use data_encoding::{BASE64, HEXLOWER};
use serde_json::Value;
use sha2::{Digest, Sha256};
use wasm_bindgen_cli_support::Bindgen;

use crate::npm::Tools;
use crate::recipe::{Entry, Recipe};
use crate::run;
use crate::size::{WasmSize, deflate_raw};
use crate::toolchain::WasmToolchain;
use crate::workspace::{Workspace, files_below, read, remove_folder, write};

/// Installs what is missing, builds the package, reports its size; returns the tarball.
pub(crate) fn pack(workspace: &Workspace) -> Result<PathBuf> {
    let wasm = WasmToolchain::ensure(workspace)?;
    let tools = Tools::ensure(workspace)?;
    let recipe = Recipe::read(workspace)?;
    let built = build(workspace, &recipe, &wasm)?;
    bind(workspace, &recipe, &tools, &built)?;
    let wasm = optimise(workspace, &recipe, &tools)?;
    let package = assemble(workspace, &recipe, &tools, &wasm)?;
    let tarball = make_tarball(workspace, &package)?;

    let bytes = fs::read(&tarball)?;
    let size = WasmSize::of(&wasm)?;
    println!("\n{}", size.table(&recipe.size, bytes.len()));
    size.check(&recipe.size)?;
    for (name, bytes) in [(&recipe.wasm.file, &wasm), (&file_name(&tarball), &bytes)] {
        println!("sha256  {}  {name}", HEXLOWER.encode(&Sha256::digest(bytes)));
    }
    Ok(tarball)
}

/// The crate as wasm, as the compiler leaves it.
fn build(workspace: &Workspace, recipe: &Recipe, toolchain: &WasmToolchain) -> Result<PathBuf> {
    let Recipe { wasm, .. } = recipe;
    let mut cargo = toolchain.cargo(workspace, "rustc", &wasm.rustflags);
    cargo
        .args(["--package", "dag-store", "--lib", "--crate-type", "cdylib"])
        .args(["--no-default-features", "--features", &wasm.features.join(",")])
        .args(["--profile", &wasm.profile])
        // Last, and for this crate only: that its path is not told does not build anything anew.
        .arg("--")
        .arg(format!("--remap-path-prefix={}=/dag-store", workspace.root().display()));
    let what = format!("build the crate as wasm, with the {toolchain} (minutes the first time)");
    run::logged(workspace, "wasm-build", &what, &mut cargo)?;
    Ok(toolchain.output(&wasm.profile).join("dag_store.wasm"))
}

/// Runs wasm-bindgen: leaves the wasm, with its names, in the debug folder, and the glue.
fn bind(workspace: &Workspace, recipe: &Recipe, tools: &Tools, built: &Path) -> Result<()> {
    run::say("wasm-bindgen --target web --omit-default-module-path");
    let mut bindgen = Bindgen::new();
    bindgen
        .input_path(built)
        .out_name(&stem(&recipe.wasm.file))
        .web(true)?
        .omit_default_module_path(true)
        .typescript(false);
    let mut output = bindgen.generate_output().context("wasm-bindgen")?;
    ensure!(
        output.snippets().values().all(Vec::is_empty) && output.local_modules().is_empty(),
        "the crate brings JavaScript of its own, which the package has no place for"
    );
    write(&debug(workspace, "bound.wasm"), output.wasm_mut().emit_wasm())?;
    let bare = debug(workspace, "glue.js");
    write(&bare, output.js())?;
    let mut esbuild = tools.command("esbuild");
    esbuild.arg(&bare).arg("--allow-overwrite").args(&recipe.wasm.wrap);
    esbuild.arg(format!("--outfile={}", bare.display()));
    let what = "esbuild: wrap the glue";
    run::logged(workspace, "esbuild-glue", what, &mut esbuild).map(drop)
}

/// Runs wasm-opt. The debug folder gets a copy with names; the same code without them ships.
fn optimise(workspace: &Workspace, recipe: &Recipe, tools: &Tools) -> Result<Vec<u8>> {
    let bound = debug(workspace, "bound.wasm");
    let named = debug(workspace, &file_name(&recipe.wasm.file));
    let bare = debug(workspace, "bare.wasm");
    let flags = &recipe.optimise.flags;
    let what = format!("wasm-opt {}", flags.first().map_or("", String::as_str));
    let mut optimise = tools.command("wasm-opt");
    optimise.args(flags).arg("--debuginfo").arg(&bound).arg("--output").arg(&named);
    run::logged(workspace, "wasm-opt", &what, &mut optimise)?;
    let mut strip = tools.command("wasm-opt");
    let features = flags.iter().filter(|flag| flag.starts_with("--enable-"));
    strip.args(features).args(["--strip-debug", "--strip-producers", "--strip-target-features"]);
    strip.arg(&named).arg("--output").arg(&bare);
    run::logged(workspace, "wasm-strip", "wasm-opt: strip names and producers", &mut strip)?;
    let wasm = fs::read(&bare)?;
    fs::remove_file(bound)?;
    fs::remove_file(bare)?;
    Ok(wasm)
}

/// Lays out the package's folder.
fn assemble(workspace: &Workspace, recipe: &Recipe, tools: &Tools, wasm: &[u8]) -> Result<PathBuf> {
    run::say("assemble target/npm/package");
    let package = workspace.target("npm/package");
    remove_folder(&package)?;
    write(&package.join(&recipe.wasm.file), wasm)?;
    copy(&debug(workspace, "glue.js"), &package.join(&recipe.wasm.glue))?;
    write(&package.join(&recipe.wasm.inline), inline_module(recipe, wasm)?)?;

    let template = workspace.root().join(&recipe.package.template);
    for file in files_below(&template)? {
        let root = recipe.package.root.iter().any(|name| Path::new(name) == file);
        let to = if root { package.join(&file) } else { package.join("dist").join(&file) };
        copy(&template.join(&file), &to)?;
    }
    for name in &recipe.package.licences {
        copy(&workspace.root().join(name), &package.join(name))?;
    }
    fill_in_version(&package.join("package.json"), &workspace.version()?)?;
    for entry in recipe.entries.iter().filter(|entry| entry.cjs) {
        make_twin(workspace, tools, &package, entry)?;
    }
    check_exports(&package)?;
    Ok(package)
}

/// The `CommonJS` twin of an entry, and of its types.
fn make_twin(workspace: &Workspace, tools: &Tools, package: &Path, entry: &Entry) -> Result<()> {
    let dist = package.join("dist");
    let twin = Path::new(&entry.file).with_extension("cjs");
    let mut esbuild = tools.command("esbuild");
    esbuild
        .current_dir(&dist)
        .arg(&entry.file)
        .args(["--bundle", "--format=cjs", "--log-level=warning"])
        .arg(format!("--outfile={}", twin.display()))
        .args(&entry.esbuild);
    let what = format!("esbuild: {} -> {}", entry.file, twin.display());
    run::logged(workspace, &format!("esbuild-{}", stem(&entry.file)), &what, &mut esbuild)?;
    if let Some(types) = &entry.types {
        let twin = types.strip_suffix(".d.ts").context("types must be a .d.ts file")?;
        copy(&dist.join(types), &dist.join(format!("{twin}.d.cts")))?;
    }
    Ok(())
}

/// The wasm as a module, for where no file can be loaded.
fn inline_module(recipe: &Recipe, wasm: &[u8]) -> Result<String> {
    let text = BASE64.encode(&deflate_raw(wasm)?);
    let name = file_name(&recipe.wasm.file);
    Ok(format!("// {name} as base64 of its deflate-raw.\nexport default \"{text}\";\n"))
}

fn fill_in_version(path: &Path, version: &str) -> Result<()> {
    let mut manifest: Value = serde_json::from_str(&read(path)?).context("package.json")?;
    let fields = manifest.as_object_mut().context("package.json is no object")?;
    ensure!(fields.contains_key("version"), "package.json has no `version` to fill in");
    fields.insert("version".to_owned(), version.into());
    write(path, serde_json::to_string_pretty(&manifest)? + "\n")
}

/// Every file that package.json promises must be there.
fn check_exports(package: &Path) -> Result<()> {
    let manifest: Value = serde_json::from_str(&read(&package.join("package.json"))?)?;
    let mut open: Vec<&Value> = ["exports", "main", "module", "types"]
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

fn make_tarball(workspace: &Workspace, package: &Path) -> Result<PathBuf> {
    let folder = workspace.target("npm");
    let mut npm = Command::new("npm");
    npm.args(["pack", "--ignore-scripts", "--pack-destination"]).arg(&folder).current_dir(package);
    run::logged(workspace, "npm-pack", "npm pack", &mut npm)?;
    let tarball = folder.join(format!("dag-store-{}.tgz", workspace.version()?));
    ensure!(tarball.is_file(), "npm pack left no {}", tarball.display());
    Ok(tarball)
}

fn copy(from: &Path, to: &Path) -> Result<()> {
    write(to, fs::read(from).with_context(|| format!("reading {}", from.display()))?)
}

fn debug(workspace: &Workspace, name: &str) -> PathBuf {
    workspace.target("npm/debug").join(name)
}

fn file_name(path: impl AsRef<Path>) -> String {
    path.as_ref().file_name().unwrap_or_default().to_string_lossy().into_owned()
}

fn stem(path: &str) -> String {
    Path::new(path).file_stem().unwrap_or_default().to_string_lossy().into_owned()
}
