/** A real PostgreSQL server of the tests' own: on loopback, in a temporary folder. */
import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { chownSync, existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, chmodSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import path from "node:path";
import { getuid } from "node:process";
import { createInterface } from "node:readline";

export const PASSWORD = "sesame-9f1c";
const VERSIONS = "/usr/lib/postgresql";

/** Starts a server; gives how to connect to it, and how to end it. */
export async function startServer() {
  const folder = mkdtempSync(path.join(existsSync("/dev/shm") ? "/dev/shm" : tmpdir(), "dag-store-postgres-"));
  chmodSync(folder, 0o755);
  const data = path.join(folder, "data");
  const password = path.join(folder, "password");
  mkdirSync(data, { mode: 0o700 });
  writeFileSync(password, PASSWORD);
  // Root can't run it.
  const user = getuid() === 0 ? { uid: numberOf("-u"), gid: numberOf("-g") } : {};
  if (user.uid !== undefined) chownSync(data, user.uid, user.gid);
  const options = { cwd: folder, stdio: ["ignore", "ignore", "pipe"], env: { LC_ALL: "C" }, ...user };
  const programs = path.join(VERSIONS, readdirSync(VERSIONS).sort((a, b) => b - a)[0], "bin");
  const make = ["--pgdata", data, "--username", "keeper", "--auth", "scram-sha-256", "--encoding", "UTF8", "--locale", "C", "--no-sync", "--pwfile", password];
  execFileSync(path.join(programs, "initdb"), make, options);
  const port = await freePort();
  const settings = ["listen_addresses=127.0.0.1", "unix_socket_directories=", "max_connections=300", "dynamic_shared_memory_type=mmap"].flatMap((setting) => ["-c", setting]);
  const server = spawn(path.join(programs, "postgres"), ["-D", data, "-p", String(port), ...settings], options);
  const ended = once(server, "exit");
  await new Promise((resolve, reject) => {
    const lines = createInterface({ input: server.stderr });
    lines.on("line", (line) => line.includes("ready to accept connections") && resolve());
    ended.then(() => reject(new Error("the server doesn't start")));
  });
  return {
    address: `postgres://keeper:${PASSWORD}@127.0.0.1:${port}/postgres`,
    async end() {
      server.kill("SIGQUIT");
      await ended;
      rmSync(folder, { recursive: true });
    },
  };
}

const numberOf = (what) => Number(execFileSync("id", [what, "nobody"], { encoding: "utf8" }));

async function freePort() {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address();
  server.close();
  await once(server, "close");
  return port;
}
