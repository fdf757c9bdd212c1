//! Debian's packages, installed where they are missing.

use std::process::Command;

use anyhow::{Result, ensure};

use crate::run;
use crate::workspace::Workspace;

/// Installs those of the packages that are missing, as root; says what they are for.
pub(crate) fn ensure(workspace: &Workspace, what: &str, packages: &[&str]) -> Result<()> {
    ensure!(run::is_there("dpkg-query"), "this is no Debian");
    let missing = missing(packages);
    if missing.is_empty() {
        return Ok(());
    }
    if !missing.iter().all(|package| is_known(package)) {
        run::logged(workspace, "apt-update", "apt-get update", apt()?.arg("update"))?;
    }
    let what = format!("{what}: apt-get install {}", missing.join(" "));
    let mut install = apt()?;
    install.args(["--yes", "--no-install-recommends", "install"]).args(&missing);
    run::logged(workspace, "apt-install", &what, &mut install).map(drop)
}

/// Those of the packages that are not installed.
pub(crate) fn missing<'a>(packages: &[&'a str]) -> Vec<&'a str> {
    packages.iter().copied().filter(|package| !is_installed(package)).collect()
}

fn is_installed(package: &str) -> bool {
    let mut query = Command::new("dpkg-query");
    let status = run::output(query.args(["--show", "--showformat=${db:Status-Status}", package]));
    status.is_ok_and(|status| status == "installed")
}

fn is_known(package: &str) -> bool {
    let policy = run::output(Command::new("apt-cache").args(["policy", package]));
    let policy = policy.unwrap_or_default();
    let candidate = policy.lines().find_map(|line| line.trim().strip_prefix("Candidate: "));
    candidate.is_some_and(|version| version != "(none)")
}

/// apt-get as root.
fn apt() -> Result<Command> {
    let user = run::output(Command::new("id").arg("--user"))?;
    let mut command = if user == "0" {
        Command::new("apt-get")
    } else {
        ensure!(run::is_there("sudo"), "apt-get needs root, and there is no sudo");
        let mut sudo = Command::new("sudo");
        sudo.arg("apt-get");
        sudo
    };
    command.env("DEBIAN_FRONTEND", "noninteractive");
    Ok(command)
}
