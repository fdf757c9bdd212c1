/**
 * Who may write a journal: one process, named in a file beside it. The specification has the steps, which the Rust crate
 * takes too.
 */
import { link, open, readFile, rename, unlink } from "node:fs/promises";
import process from "node:process";
import { DagStoreError } from "./error.js";
import { lifeOf, ownProcess } from "./file-process.js";

/** What a lock file begins with. */
const FIRST_LINE = "dag-store lock 1";
const KEYS = ["id", "pid", "started", "machine", "boot", "namespace"];
/** How often others may come and go while the lock is being taken. Far more than ever happens. */
const ROUNDS = 1000;

/** The right to write a journal. */
export class Lock {
  #path;

  constructor(path) {
    this.#path = path;
  }

  /** Takes the lock of a journal; `ERR_LOCKED` if another process, or this one, has it. */
  static async take(journal) {
    const own = await ownProcess();
    const id = freshId();
    const lock = `${journal}.lock`;
    const file = `${lock}.${id}.new`;
    try {
      await writeName(file, id, own);
      await contend(journal, lock, file, own);
    } finally {
      // Where it became the lock by renaming, it is no longer there.
      await remove(file);
    }
    return new Lock(lock);
  }

  /** If it can't be removed, the next one finds that this process is gone, or says what to remove. */
  async release() {
    await remove(this.#path);
  }
}

/** Makes `file` the lock, or says who has it. */
async function contend(journal, lock, file, own) {
  for (let round = 0; round < ROUNDS; round++) {
    if (await linked(file, lock)) return;
    const first = await readName(lock);
    if (first === undefined) continue;
    const { holder, claims } = await succession(lock, first);
    const life = holder ? await lifeOf(holder, own.place) : "unknown";
    if (life !== "gone") throw held(journal, lock, holder, life);
    const claim = `${lock}.${holder.id}`;
    if (!(await linked(file, claim))) continue;
    // Where the lock is still the one that was read, no claim on it has been removed since, so this one is the
    // first on its holder.
    if ((await readName(lock))?.id !== first.id) {
      await remove(claim);
      continue;
    }
    try {
      await rename(file, lock);
    } catch (error) {
      await remove(claim);
      throw error;
    }
    for (const passed of [...claims, claim]) await remove(passed);
    return;
  }
  throw new DagStoreError("ERR_LOCKED", `${journal} is opened by others again and again; try again`);
}

/** The last of those who succeeded one another, if each names somebody; and the claims on the way. */
async function succession(lock, first) {
  const claims = [];
  let holder = first;
  while (holder && claims.length < ROUNDS) {
    const claim = `${lock}.${holder.id}`;
    const next = await readName(claim);
    if (next === undefined) return { holder, claims };
    claims.push(claim);
    holder = next;
  }
  return { holder: null, claims };
}

function held(journal, lock, holder, life) {
  const running = life === "running";
  let who = "somebody whose name in it can't be read";
  if (running && holder.pid === process.pid) who = "this process; close what has it open first";
  else if (holder) who = `process ${holder.pid}${holder.place.machine && ` on ${holder.place.machine}`}`;
  const message = running
    ? `${journal} is open in ${who}`
    : `${journal} is locked by ${who}, and whether that still runs can't be told from here; if it surely does not, remove ${lock}`;
  return new DagStoreError("ERR_LOCKED", message);
}

/** Writes a file that is to be a lock. It is on the medium before it gets the lock's name: after a power cut an empty lock would be nobody's. */
async function writeName(file, id, { pid, started, place: { machine, boot, namespace } }) {
  const values = [id, pid, started, machine, boot, namespace];
  const text = [FIRST_LINE, ...KEYS.map((key, i) => `${key}=${values[i]}`), ""].join("\n");
  const handle = await open(file, "wx");
  try {
    await handle.writeFile(text);
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/** The name in a lock file: `undefined` if there is no file, `null` if it names nobody. */
async function readName(path) {
  let text;
  try {
    text = await readFile(path, "utf8");
  } catch (error) {
    if (error.code === "ENOENT") return undefined;
    throw error;
  }
  const [first, ...lines] = text.split("\n");
  const values = KEYS.map((key, i) => (lines[i]?.startsWith(`${key}=`) ? lines[i].slice(key.length + 1) : undefined));
  const [id, pid, started, machine, boot, namespace] = values;
  if (first !== FIRST_LINE || values.includes(undefined)) return null;
  if (!/^[0-9a-f]{16}$/i.test(id) || !/^\d{1,10}$/.test(pid)) return null;
  return { id, pid: Number(pid), started, place: { machine, boot, namespace } };
}

/** Gives a file a second name; `false` if something has that name. */
async function linked(file, name) {
  try {
    await link(file, name);
    return true;
  } catch (error) {
    if (error.code === "EEXIST") return false;
    throw error;
  }
}

async function remove(path) {
  await unlink(path).catch(() => {});
}

function freshId() {
  return Array.from(crypto.getRandomValues(new Uint8Array(8)), (byte) => byte.toString(16).padStart(2, "0")).join("");
}
