//! Programs that cargo builds for others to run.

use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context, Result};
use serde_json::Value;

use crate::run;

/// Runs this `cargo build`. Gives the last program that it built.
pub(crate) fn built(build: &mut Command) -> Result<PathBuf> {
    let output = run::output(build.arg("--message-format=json"))?;
    Ok(PathBuf::from(executable(&output).context("cargo built no program")?))
}

/// The program among what cargo says that it built, a line of JSON for each.
fn executable(output: &str) -> Option<String> {
    let messages = output.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
    messages.filter_map(|message| message["executable"].as_str().map(str::to_owned)).next_back()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_program_is_read_from_what_cargo_says() {
        let output = "{\"executable\":null}\n{\"executable\":\"/a\"}\nnot JSON\n";
        assert_eq!(executable(output).as_deref(), Some("/a"));
        assert_eq!(executable("{\"executable\":null}"), None);
    }
}
