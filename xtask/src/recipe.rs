//! The build recipe of the npm package, `wasm-pack.toml`.

use std::collections::BTreeMap;

use anyhow::{Context, Result};
use serde::Deserialize;

use crate::workspace::{Workspace, read};

/// What `wasm-pack.toml` says; the file explains each part.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Recipe {
    pub(crate) package: Package,
    pub(crate) wasm: Wasm,
    pub(crate) optimise: Optimise,
    pub(crate) size: Size,
    #[serde(rename = "entry")]
    pub(crate) entries: Vec<Entry>,
    faults: Faults,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Package {
    pub(crate) name: String,
    pub(crate) template: String,
    pub(crate) root: Vec<String>,
    pub(crate) licences: Vec<String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Wasm {
    pub(crate) features: Vec<String>,
    pub(crate) profile: String,
    pub(crate) rustflags: Vec<String>,
    #[serde(default)]
    pub(crate) linking: Vec<String>,
    pub(crate) file: String,
    pub(crate) names: String,
    pub(crate) glue: String,
    pub(crate) wrap: Vec<String>,
    pub(crate) inline: String,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Optimise {
    pub(crate) flags: Vec<String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Size {
    pub(crate) brotli: BTreeMap<String, usize>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Entry {
    pub(crate) file: String,
    pub(crate) types: String,
    #[serde(default)]
    pub(crate) cjs: bool,
    #[serde(default)]
    pub(crate) inline: bool,
    #[serde(default)]
    pub(crate) bundle: bool,
    #[serde(default)]
    pub(crate) esbuild: Vec<String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Faults {
    name: String,
    features: Vec<String>,
    linking: Vec<String>,
}

impl Recipe {
    /// Reads the recipe of this clone.
    pub(crate) fn read(workspace: &Workspace) -> Result<Self> {
        let name = "wasm-pack.toml";
        Self::parse(&read(&workspace.root().join(name))?).context(name)
    }

    /// The recipe of the package's twin for the tests of failure.
    pub(crate) fn with_faults(mut self) -> Self {
        self.package.name.clone_from(&self.faults.name);
        self.wasm.features.append(&mut self.faults.features);
        self.wasm.linking.append(&mut self.faults.linking);
        self
    }

    fn parse(text: &str) -> Result<Self> {
        Ok(toml::from_str(text)?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const RECIPE: &str = include_str!("../../wasm-pack.toml");

    #[test]
    fn says_what_it_is_in_its_first_line() {
        let first = RECIPE.lines().next().unwrap_or_default();
        assert!(first.contains("build recipe of the npm package"), "{first}");
        assert!(first.contains("wasm-pack itself reads no such file"), "{first}");
    }

    #[test]
    fn parses() -> Result<()> {
        let recipe = Recipe::parse(RECIPE)?;
        assert!(recipe.wasm.rustflags.iter().any(|flag| flag.contains("+simd128")));
        assert!(recipe.entries.iter().any(|entry| entry.file == "node.js" && entry.cjs));
        Ok(())
    }

    #[test]
    fn faults_are_in_the_twin_only() -> Result<()> {
        let recipe = Recipe::parse(RECIPE)?;
        let ends_early =
            |recipe: &Recipe| recipe.wasm.linking.iter().any(|flag| flag.contains("--max-memory"));
        assert!(!ends_early(&recipe));
        assert!(!recipe.wasm.features.iter().any(|feature| feature == "faults"));
        let (name, twin) = (recipe.package.name.clone(), recipe.with_faults());
        assert!(twin.wasm.features.iter().any(|feature| feature == "faults"));
        assert!(ends_early(&twin));
        assert_ne!(twin.package.name, name);
        Ok(())
    }

    #[test]
    fn an_unknown_key_is_refused() {
        let misspelt = RECIPE.replace("[size.brotli]", "[size.broccoli]");
        let error = Recipe::parse(&misspelt).map(|_| ()).map_err(|error| error.to_string());
        assert!(error.is_err_and(|error| error.contains("broccoli")));
    }
}
