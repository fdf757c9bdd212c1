//! A real `PostgreSQL` server of the tests' own: on loopback, in a temporary folder, gone with the value.

use std::fs;
use std::io::{BufRead as _, BufReader};
use std::net::TcpListener;
use std::os::unix::fs::{PermissionsExt as _, chown};
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, mpsc};
use std::thread;

use dag_store::{PostgresJournal, PostgresOptions, Result};
use tokio_postgres::NoTls;

/// What the superuser is called, and its password: secrets that no error may tell.
pub(crate) const ROLE: &str = "keeper";
pub(crate) const PASSWORD: &str = "sesame-9f1c";

/// Files in memory, where a sync costs nothing. No test here takes the power away from the machine.
const MEMORY: &str = "/dev/shm";
/// What servers need there, in KiB.
const ROOM: u64 = 2 << 20;

/// The certificate of a server with TLS, which it signed itself, and its key.
const CERTIFICATE: &str = "server.crt";
const KEY: &str = "server.key";

pub(crate) struct Server {
    folder: PathBuf,
    programs: PathBuf,
    /// Who runs the server, where the tests are run by root, whom it refuses.
    user: Option<(u32, u32)>,
    pub(crate) port: u16,
    settings: Vec<String>,
    running: Mutex<Option<Child>>,
}

/// How a server is ended.
#[derive(Clone, Copy, Debug)]
pub(crate) enum End {
    /// As an administrator does: connections are ended, all is written.
    Fast,
    /// Without a word to anybody; the next start recovers.
    Immediate,
    /// By SIGKILL.
    Kill,
}

impl Server {
    /// Starts a server that talks TLS to whoever wants that.
    pub(crate) fn start_with_tls() -> Server {
        Self::start(&["ssl=on", "ssl_min_protocol_version=TLSv1.2"])
    }

    /// Starts a server with these settings beside its own.
    pub(crate) fn start(settings: &[&str]) -> Server {
        static NUMBER: AtomicUsize = AtomicUsize::new(0);
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let parent = if has_room(MEMORY) { MEMORY.into() } else { std::env::temp_dir() };
        let folder = parent.join(format!("dag-store-postgres-{}-{number}", std::process::id()));
        fs::create_dir(&folder).unwrap();
        fs::set_permissions(&folder, fs::Permissions::from_mode(0o755)).unwrap();
        let user = (number_of("-u", None) == 0)
            .then(|| (number_of("-u", Some("nobody")), number_of("-g", Some("nobody"))));
        let mut server = Server {
            folder,
            programs: programs(),
            user,
            port: 0,
            settings: settings.iter().map(|&it| it.to_owned()).collect(),
            running: Mutex::new(None),
        };
        server.make();
        server.port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        server.run();
        server
    }

    fn make(&self) {
        let data = self.folder.join("data");
        fs::create_dir(&data).unwrap();
        fs::set_permissions(&data, fs::Permissions::from_mode(0o700)).unwrap();
        let password = self.folder.join("password");
        fs::write(&password, PASSWORD).unwrap();
        if let Some((user, group)) = self.user {
            chown(&data, Some(user), Some(group)).unwrap();
        }
        let mut make = self.command("initdb");
        make.arg("--pgdata").arg(&data).args(["--username", ROLE, "--auth", "scram-sha-256"]);
        make.args(["--encoding", "UTF8", "--locale", "C", "--no-sync"]);
        make.arg("--pwfile").arg(&password);
        let output = make.output().unwrap();
        assert!(output.status.success(), "initdb: {}", String::from_utf8_lossy(&output.stderr));
        if self.settings.iter().any(|it| it == "ssl=on") {
            self.make_certificate(&data);
        }
    }

    fn make_certificate(&self, folder: &Path) {
        let mut make = self.command_of(Path::new("openssl"));
        make.current_dir(folder)
            .args(["req", "-x509", "-days", "2", "-nodes", "-subj", "/CN=test"]);
        make.args(["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-keyout", KEY]);
        make.args(["-addext", "subjectAltName=IP:127.0.0.1", "-out", CERTIFICATE]);
        make.args(["-addext", "basicConstraints=critical,CA:FALSE"]);
        let output = make.output().unwrap();
        assert!(output.status.success(), "openssl: {}", String::from_utf8_lossy(&output.stderr));
    }

    /// The server's certificate, in PEM.
    pub(crate) fn certificate(&self) -> Vec<u8> {
        fs::read(self.folder.join("data").join(CERTIFICATE)).unwrap()
    }

    fn command(&self, program: &str) -> Command {
        self.command_of(&self.programs.join(program))
    }

    fn command_of(&self, program: &Path) -> Command {
        let mut command = Command::new(program);
        command.current_dir(&self.folder).env("LC_ALL", "C");
        if let Some((user, group)) = self.user {
            command.uid(user).gid(group);
        }
        command
    }

    /// Starts the server, and waits until it takes connections. One that was killed may have left children that
    /// are still ending; until they have, the next one ends by itself.
    pub(crate) fn run(&self) {
        for _ in 0..1_000 {
            if let Some(child) = self.try_to_run() {
                *self.running.lock().unwrap() = Some(child);
                return;
            }
        }
        panic!("the server doesn't start");
    }

    fn try_to_run(&self) -> Option<Child> {
        let mut command = self.command("postgres");
        command.arg("-D").arg(self.folder.join("data")).arg("-p").arg(self.port.to_string());
        let own = [
            "listen_addresses=127.0.0.1",
            "unix_socket_directories=",
            "max_connections=300",
            // In its folder, so that nothing is left elsewhere by one that was killed.
            "dynamic_shared_memory_type=mmap",
        ];
        for setting in own.iter().copied().chain(self.settings.iter().map(String::as_str)) {
            command.args(["-c", setting]);
        }
        let mut child = command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
        let lines = BufReader::new(child.stderr.take().unwrap()).lines();
        let (ready, is_ready) = mpsc::channel();
        let log = self.folder.join("log");
        thread::spawn(move || {
            let mut said = String::new();
            for line in lines.map_while(std::io::Result::ok) {
                if line.contains("database system is ready to accept connections") {
                    ready.send(()).ok();
                }
                said.push_str(&line);
                said.push('\n');
                drop(fs::write(&log, &said));
            }
        });
        if is_ready.recv().is_ok() {
            return Some(child);
        }
        child.wait().unwrap();
        None
    }

    /// What the server has said, since it was started last.
    pub(crate) fn log(&self) -> String {
        fs::read_to_string(self.folder.join("log")).unwrap_or_default()
    }

    /// Ends the server, and waits until it is gone.
    pub(crate) fn end(&self, how: End) {
        let Some(mut child) = self.running.lock().unwrap().take() else { return };
        let signal = match how {
            End::Fast => "-INT",
            End::Immediate => "-QUIT",
            End::Kill => "-KILL",
        };
        let killed = Command::new("kill").args([signal, &child.id().to_string()]).status().unwrap();
        assert!(killed.success());
        child.wait().unwrap();
    }

    /// How to connect, as the superuser.
    pub(crate) fn address(&self) -> String {
        address_of(ROLE, PASSWORD, self.port)
    }

    /// Opens the journal in this schema.
    pub(crate) async fn journal(&self, schema: &str) -> Result<PostgresJournal> {
        PostgresOptions::parse(&self.address())?.schema(schema)?.open().await
    }

    /// A connection of somebody who knows SQL.
    pub(crate) async fn client(&self) -> tokio_postgres::Client {
        let (client, connection) = tokio_postgres::connect(&self.address(), NoTls).await.unwrap();
        tokio::spawn(connection);
        client
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.end(End::Immediate);
        drop(fs::remove_dir_all(&self.folder));
    }
}

/// How to connect to a server at this port, as this role.
pub(crate) fn address_of(role: &str, password: &str, port: u16) -> String {
    format!("postgres://{role}:{password}@127.0.0.1:{port}/postgres?connect_timeout=5")
}

/// What `id` says of this user, or of whoever runs this.
fn number_of(what: &str, name: Option<&str>) -> u32 {
    let output = Command::new("id").arg(what).args(name).output().unwrap();
    String::from_utf8(output.stdout).unwrap().trim().parse().unwrap()
}

fn has_room(folder: &str) -> bool {
    let df = Command::new("df").args(["--output=avail", folder]).output();
    let said = df.map(|output| String::from_utf8_lossy(&output.stdout).into_owned());
    let free = said.ok().and_then(|said| said.lines().nth(1)?.trim().parse().ok());
    free.is_some_and(|free: u64| free > ROOM)
}

/// The folder of the server's programs, of the latest version: Debian keeps them out of the way.
fn programs() -> PathBuf {
    let versions = fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
    let found = versions.map(|version| version.path().join("bin")).max();
    found.expect("PostgreSQL's server is not installed; `cargo xtask test postgres` does that")
}
