//! Running other programs: each says in one line what it is for, and fails with a clear error.

use std::ffi::OsStr;
use std::fs::{self, File};
use std::io::{BufRead, BufReader};
use std::process::{Command, ExitStatus, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

use crate::workspace::Workspace;

/// How much of a failed step's log is shown.
const SHOWN_LINES: usize = 120;

/// Says what is being done.
pub(crate) fn say(what: &str) {
    println!("• {what}");
}

/// Runs a program whose output the user shall see.
pub(crate) fn show(what: &str, command: &mut Command) -> Result<()> {
    say(what);
    let status = status(command)?;
    check(command, status)
}

/// Runs a program and keeps what it prints in `target/logs/<name>.log`; shows the end of it when the
/// program fails. Returns what was printed.
pub(crate) fn logged(
    workspace: &Workspace,
    name: &str,
    what: &str,
    command: &mut Command,
) -> Result<String> {
    say(what);
    quietly(workspace, name, command)
}

/// The same, without a word when all goes well.
pub(crate) fn quietly(workspace: &Workspace, name: &str, command: &mut Command) -> Result<String> {
    let run = log(workspace, name, command)?;
    if run.status.success() {
        return Ok(run.output);
    }
    run.show();
    check(command, run.status).map(|()| run.output)
}

/// A program that has run, whatever came of it.
#[derive(Debug)]
pub(crate) struct Run {
    pub(crate) status: ExitStatus,
    pub(crate) output: String,
    log: String,
}

impl Run {
    /// Shows the end of what the program printed, and where the rest is.
    pub(crate) fn show(&self) {
        let lines: Vec<&str> = self.output.lines().collect();
        let from = lines.len().saturating_sub(SHOWN_LINES);
        for line in &lines[from..] {
            println!("  | {line}");
        }
        println!("  | (the whole of it: {})", self.log);
    }
}

/// Runs a program with all that it prints going to `target/logs/<name>.log`.
pub(crate) fn log(workspace: &Workspace, name: &str, command: &mut Command) -> Result<Run> {
    let logs = workspace.target("logs");
    fs::create_dir_all(&logs)?;
    let path = logs.join(name).with_extension("log");
    let file = File::create(&path).with_context(|| format!("creating {}", path.display()))?;
    command.stdin(Stdio::null()).stdout(file.try_clone()?).stderr(file);
    let status = status(command)?;
    let output = String::from_utf8_lossy(&fs::read(&path)?).into_owned();
    let log = format!("target/logs/{name}.log");
    Ok(Run { status, output, log })
}

/// What a program prints on its standard output, without blanks at the ends.
pub(crate) fn output(command: &mut Command) -> Result<String> {
    let program = name(command);
    let output = command.stdin(Stdio::null()).output();
    let output = output.with_context(|| format!("could not start {program}"))?;
    if !output.status.success() {
        let said = String::from_utf8_lossy(&output.stderr);
        bail!("{} failed ({}): {}", line(command), output.status, said.trim());
    }
    let text = String::from_utf8(output.stdout);
    Ok(text.with_context(|| format!("{program} printed no UTF-8"))?.trim().to_owned())
}

/// Runs a program, and takes each line of its standard output as it comes; its errors are shown.
pub(crate) fn lines(command: &mut Command, mut take: impl FnMut(&str) -> Result<()>) -> Result<()> {
    let program = name(command);
    let child = command.stdin(Stdio::null()).stdout(Stdio::piped()).spawn();
    let mut child = child.with_context(|| format!("could not start {program}"))?;
    let output = child.stdout.take().with_context(|| format!("{program} has no output"))?;
    for text in BufReader::new(output).lines() {
        take(&text.with_context(|| format!("{program} printed no UTF-8"))?)?;
    }
    let status = child.wait()?;
    check(command, status)
}

/// Runs a program for at most as long as given; whether it ended in time and well.
pub(crate) fn succeeds_within(limit: Duration, command: &mut Command) -> bool {
    let Ok(mut child) = command.stdin(Stdio::null()).spawn() else {
        return false;
    };
    let start = Instant::now();
    while start.elapsed() < limit {
        match child.try_wait() {
            Ok(Some(status)) => return status.success(),
            Ok(None) => thread::sleep(Duration::from_millis(50)),
            Err(_) => break,
        }
    }
    // Already gone is as good as killed; either way it is reaped below.
    child.kill().ok();
    child.wait().ok();
    false
}

/// Whether a program of this name can be started.
pub(crate) fn is_there(program: impl AsRef<OsStr>) -> bool {
    let mut command = Command::new(program);
    command.arg("--version").stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    command.status().is_ok()
}

fn status(command: &mut Command) -> Result<ExitStatus> {
    let program = name(command);
    command.status().with_context(|| format!("could not start {program}"))
}

fn check(command: &Command, status: ExitStatus) -> Result<()> {
    if status.success() {
        return Ok(());
    }
    bail!("{} failed ({status})", line(command))
}

/// A command as one would type it.
fn line(command: &Command) -> String {
    let words = std::iter::once(command.get_program()).chain(command.get_args());
    words.map(OsStr::to_string_lossy).collect::<Vec<_>>().join(" ")
}

fn name(command: &Command) -> String {
    command.get_program().to_string_lossy().into_owned()
}
