/** Which process this is, and whether another one still runs. */
import { execFile } from "node:child_process";
import { access, readFile, readlink } from "node:fs/promises";
import * as os from "node:os";
import process from "node:process";
import { promisify } from "node:util";

/**
 * A process, as others can tell it from all that ever were.
 *
 * @typedef {object} Process
 * @property {number} pid
 * @property {string} started when it began, in whatever way the system says so; empty where it does not
 * @property {Place} place
 */

/**
 * Where a pid means something.
 *
 * @typedef {object} Place
 * @property {string} machine its name and, where there is one, its id; empty where it can't be told
 * @property {string} boot this run of it, where there is a name for that
 * @property {string} namespace the pids that are counted together: those of a container, for one
 */

/** @returns {Promise<Process>} */
export async function ownProcess() {
  const started = await startOf(process.pid);
  return { pid: process.pid, started: typeof started === "string" ? started : "", place: await ownPlace() };
}

/**
 * Whether a process runs, as far as one in this place can tell.
 *
 * @returns {Promise<"running" | "gone" | "unknown">}
 */
export async function lifeOf({ pid, started, place }, own) {
  if (own.machine === "" || place.machine !== own.machine) return "unknown";
  if (place.boot !== own.boot) return "gone";
  if (place.namespace !== own.namespace) return "unknown";
  const found = await startOf(pid);
  if (found === GONE) return "gone";
  if (found === UNKNOWN) return "unknown";
  // Or its pid was given to another since.
  return started === "" || found === started ? "running" : "gone";
}

/** What the system may say of a pid instead of when its process began. */
const GONE = Symbol("gone");
const UNKNOWN = Symbol("unknown");

async function ownPlace() {
  if (!(await hasProc())) return { machine: name(), boot: "", namespace: "" };
  const read = (path) => readFile(path, "utf8").then((text) => text.trim(), () => "");
  return {
    machine: `${await read("/proc/sys/kernel/hostname")} ${await read("/etc/machine-id")}`.trim(),
    boot: await read("/proc/sys/kernel/random/boot_id"),
    namespace: await readlink("/proc/self/ns/pid").catch(() => ""),
  };
}

/** The machine's name where there is no /proc. Deno may not permit to ask. */
function name() {
  try {
    return process.platform === "win32" ? (process.env.COMPUTERNAME ?? "") : os.hostname();
  } catch {
    return "";
  }
}

const hasProc = () => access("/proc/self/stat").then(() => true, () => false);

async function startOf(pid) {
  if (await hasProc()) {
    try {
      return startInStat(await readFile(`/proc/${pid}/stat`, "latin1"));
    } catch (error) {
      // ESRCH where it ended while this was read.
      return ["ENOENT", "ESRCH"].includes(error.code) ? GONE : UNKNOWN;
    }
  }
  return process.platform === "win32" ? UNKNOWN : startByPs(pid);
}

/** Reads a line of /proc: the name in brackets may hold anything, the fields that follow may not. */
function startInStat(stat) {
  const fields = stat.slice(stat.lastIndexOf(")") + 1).trim().split(/\s+/);
  const [state, threads, ticks] = [fields[0], fields[17], fields[19]];
  // Dead, and only not yet asked for by its parent: unless threads of it are still at work.
  if (["Z", "X"].includes(state) && ["0", "1"].includes(threads)) return GONE;
  return ticks ?? UNKNOWN;
}

/** Asks ps, which POSIX systems without Linux's /proc have. */
async function startByPs(pid) {
  const env = { ...process.env, LC_ALL: "C", TZ: "UTC" };
  const { stdout, stderr } = await promisify(execFile)("ps", ["-o", "stat=,lstart=", "-p", String(pid)], { env }).catch(
    (error) => error,
  );
  const [state, ...date] = stdout?.trim().split(/\s+/) ?? [];
  if (!state) return stderr === "" ? GONE : UNKNOWN;
  return state.startsWith("Z") ? GONE : date.join(" ");
}
