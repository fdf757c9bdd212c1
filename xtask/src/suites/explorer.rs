//! The explorer, `examples-web/explorer`: built with the package from its tarball, and used in real browsers.

use anyhow::{Context, Result};

use super::javascript::{Package, count};
use super::{Bench, Tally};
use crate::apt;
use crate::npm::{Tools, link};

/// What is tested, and where the tests are.
const EXAMPLE: &str = "examples-web/explorer";
const TESTS: &str = "js-tests/explorer";
const BROWSERS: [&str; 2] = ["chromium", "firefox-esr"];

impl Bench<'_> {
    /// Keeps pictures of what the browsers showed in `target/explorer`.
    pub(super) fn explorer(&self, package: &mut Package<'_>) -> Result<Tally> {
        let tools = Tools::of(self.workspace, TESTS)?;
        let install = || format!("install {}", BROWSERS.join(", "));
        apt::ensure(self.workspace, "browsers", &BROWSERS).with_context(install)?;
        let consumer = package.consumer()?;
        consumer.take(self.workspace, EXAMPLE)?;
        // The example's dependencies are pinned with the drivers, so that they stand above both.
        for folder in ["examples-web", TESTS] {
            link(tools.folder(), &consumer.path(folder).join("node_modules"))?;
        }
        let pictures = self.workspace.target("explorer");
        let mut node = consumer.node();
        node.args(["--test", "--test-reporter=spec", &format!("{TESTS}/explorer.test.mjs")]);
        node.env("EXPLORER_REPOSITORY", self.workspace.root()).env("EXPLORER_PICTURES", &pictures);
        self.counted("explorer", "the explorer in Chromium and Firefox", &mut node, count)
    }
}
