//! Which process this is, and whether another one still runs.

use std::env;
use std::fs;
use std::io::ErrorKind::NotFound;
use std::path::Path;
use std::process::Command;

/// A process, as others can tell it from all that ever were.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Process {
    pub(crate) pid: u32,
    /// When it began, in whatever way the system says so; empty where it does not.
    pub(crate) started: String,
    pub(crate) place: Place,
}

/// Where a pid means something.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Place {
    /// The machine's name and, where there is one, its id. Empty where it can't be told.
    pub(crate) machine: String,
    /// This run of the machine, where there is a name for it.
    pub(crate) boot: String,
    /// The pids that are counted together: those of a container, for one.
    pub(crate) namespace: String,
}

/// What is known of a process from here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Life {
    Running,
    Gone,
    /// It is of another place, or the system says nothing.
    Unknown,
}

/// What the system says of a pid.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Start {
    At(String),
    Gone,
    Unknown,
}

impl Process {
    pub(crate) fn own() -> Self {
        Self::with_pid(std::process::id())
    }

    /// The one that has this pid here, now.
    pub(crate) fn with_pid(pid: u32) -> Self {
        let started = match start_of(pid) {
            Start::At(text) => text,
            Start::Gone | Start::Unknown => String::new(),
        };
        Process { pid, started, place: Place::own() }
    }

    /// Whether a process runs, as far as one in the place of `own` can tell.
    pub(crate) fn life(&self, own: &Place) -> Life {
        self.place.life_in(own).unwrap_or_else(|| match start_of(self.pid) {
            Start::Gone => Life::Gone,
            // Its pid was given to another since.
            Start::At(text) if !self.started.is_empty() && text != self.started => Life::Gone,
            Start::At(_) => Life::Running,
            Start::Unknown => Life::Unknown,
        })
    }
}

impl Place {
    fn own() -> Self {
        if !Path::new("/proc/self/stat").exists() {
            return Place { machine: name(), ..Place::default() };
        }
        let read = |path: &str| fs::read_to_string(path).unwrap_or_default().trim().to_owned();
        let namespace = fs::read_link("/proc/self/ns/pid").unwrap_or_default();
        Place {
            machine: format!("{} {}", read("/proc/sys/kernel/hostname"), read("/etc/machine-id"))
                .trim()
                .to_owned(),
            boot: read("/proc/sys/kernel/random/boot_id"),
            namespace: namespace.to_string_lossy().into_owned(),
        }
    }

    /// What the place alone tells of a process in it; `None` if its pid must be looked at.
    fn life_in(&self, own: &Place) -> Option<Life> {
        if own.machine.is_empty() || self.machine != own.machine {
            Some(Life::Unknown)
        } else if self.boot != own.boot {
            Some(Life::Gone)
        } else if self.namespace != own.namespace {
            Some(Life::Unknown)
        } else {
            None
        }
    }
}

/// The machine's name where there is no /proc.
fn name() -> String {
    if cfg!(windows) {
        return env::var("COMPUTERNAME").unwrap_or_default();
    }
    let output = Command::new("uname").arg("-n").output();
    output
        .map_or_else(|_| String::new(), |it| String::from_utf8_lossy(&it.stdout).trim().to_owned())
}

fn start_of(pid: u32) -> Start {
    if Path::new("/proc/self/stat").exists() {
        return match fs::read_to_string(format!("/proc/{pid}/stat")) {
            Ok(stat) => start_in_stat(&stat),
            Err(error) if error.kind() == NotFound => Start::Gone,
            // Ended while it was read.
            Err(error) if error.raw_os_error() == Some(ESRCH) => Start::Gone,
            Err(_) => Start::Unknown,
        };
    }
    if cfg!(windows) { Start::Unknown } else { start_by_ps(pid) }
}

const ESRCH: i32 = 3;

/// Reads a line of /proc: the name in brackets may hold anything, the fields that follow may not.
fn start_in_stat(stat: &str) -> Start {
    let fields: Vec<_> =
        stat.rsplit_once(')').map_or("", |(_, after)| after).split_whitespace().collect();
    match (fields.first(), fields.get(17), fields.get(19)) {
        // Dead, and only not yet asked for by its parent: unless threads of it are still at work.
        (Some(&("Z" | "X")), Some(&("0" | "1")), _) => Start::Gone,
        (Some(_), Some(_), Some(ticks)) => Start::At((*ticks).to_owned()),
        _ => Start::Unknown,
    }
}

/// Asks ps, which POSIX systems without Linux's /proc have.
fn start_by_ps(pid: u32) -> Start {
    let pid = pid.to_string();
    let mut ps = Command::new("ps");
    ps.args(["-o", "stat=,lstart=", "-p", &pid]).env("LC_ALL", "C").env("TZ", "UTC");
    let Ok(output) = ps.output() else {
        return Start::Unknown;
    };
    start_in_ps(&String::from_utf8_lossy(&output.stdout), output.stderr.is_empty())
}

/// Reads what ps prints: state and date, or nothing for a pid that nobody has.
fn start_in_ps(output: &str, understood: bool) -> Start {
    let words: Vec<_> = output.split_whitespace().collect();
    match words.split_first() {
        None if understood => Start::Gone,
        None => Start::Unknown,
        Some((state, _)) if state.starts_with('Z') => Start::Gone,
        Some((_, date)) => Start::At(date.join(" ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A process that has ended and was waited for.
    fn ended() -> u32 {
        let mut child = Command::new("true").spawn().unwrap();
        child.wait().unwrap();
        child.id()
    }

    #[test]
    fn this_process_runs_and_one_that_ended_does_not() {
        let own = Process::own();
        assert!(!own.started.is_empty());
        assert_eq!(own.life(&own.place), Life::Running);
        let gone = Process { pid: ended(), ..own.clone() };
        assert_eq!(gone.life(&own.place), Life::Gone);
    }

    #[test]
    fn a_pid_that_was_given_out_again_is_told_by_when_its_process_began() {
        let own = Process::own();
        let earlier = Process { started: format!("{}0", own.started), ..own.clone() };
        assert_eq!(earlier.life(&own.place), Life::Gone);
        let unknown = Process { started: String::new(), ..own.clone() };
        assert_eq!(unknown.life(&own.place), Life::Running);
    }

    #[test]
    fn a_pid_of_another_place_says_nothing_here() {
        let own = Process::own();
        let elsewhere = |change: fn(&mut Place)| {
            let mut process = Process { pid: ended(), ..own.clone() };
            change(&mut process.place);
            process.life(&own.place)
        };
        assert_eq!(elsewhere(|place| place.machine.push('x')), Life::Unknown);
        assert_eq!(elsewhere(|place| place.namespace.push('x')), Life::Unknown);
        assert_eq!(elsewhere(|place| place.boot.push('x')), Life::Gone);
        assert_eq!(own.life(&Place::default()), Life::Unknown);
    }

    #[test]
    fn a_dead_process_is_gone_though_nobody_waited_for_it() {
        let line = |state: &str, threads: &str| {
            format!("7 (a) b) {state} 1 7 7 0 -1 0 0 0 0 0 0 0 0 0 20 0 {threads} 0 4711 0 0")
        };
        assert_eq!(start_in_stat(&line("S", "4")), Start::At("4711".to_owned()));
        assert_eq!(start_in_stat(&line("Z", "1")), Start::Gone);
        assert_eq!(start_in_stat(&line("Z", "2")), Start::At("4711".to_owned()));
        assert_eq!(start_in_stat("nonsense"), Start::Unknown);

        let mut child = Command::new("true").stdout(std::process::Stdio::piped()).spawn().unwrap();
        // Its output ends when it does; it is a zombie from some time after, and running until then.
        std::io::copy(&mut child.stdout.take().unwrap(), &mut std::io::sink()).unwrap();
        while start_of(child.id()) != Start::Gone {
            std::thread::yield_now();
        }
        child.wait().unwrap();
    }

    #[test]
    fn ps_is_understood() {
        let date = Start::At("Sun Nov 22 19:41:58 2026".to_owned());
        assert_eq!(start_in_ps("Ss   Sun Nov 22 19:41:58 2026\n", true), date);
        assert_eq!(start_in_ps("R+   Sun Nov 22 19:41:58 2026    \n", true), date);
        assert_eq!(start_in_ps("Z+   Sun Nov 22 19:41:58 2026\n", true), Start::Gone);
        assert_eq!(start_in_ps("", true), Start::Gone);
        assert_eq!(start_in_ps("", false), Start::Unknown);
    }
}
