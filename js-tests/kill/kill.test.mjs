/**
 * Processes that are killed while they commit. What they said was acknowledged must be there afterwards, nothing may be
 * there but a beginning of the history, and the state must be the one that the last commit there left. Another process
 * looks, in the other language where there is one, before the next one opens the journal and goes on.
 */
import assert from "node:assert/strict";
import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { env, execPath } from "node:process";
import { createInterface } from "node:readline";
import { test } from "node:test";
import { fileURLToPath } from "node:url";

const WORKER = fileURLToPath(new URL("worker.mjs", import.meta.url));
/** The native program, which the one who runs this has built. */
const NATIVE = env.DAG_STORE_KILL_WORKER;
/** How often each program is killed. */
const KILLS = env.DAG_STORE_FULL ? 300 : 15;
/** A new journal after so many kills: looking takes longer the more is there. */
const KILLS_A_FILE = 10;

/** Real disks where there is time for them: what a kill can break does not depend on it. */
const FOLDER = !env.DAG_STORE_FULL && existsSync("/dev/shm") ? "/dev/shm" : tmpdir();

const inNode = (journal) => (what, file) => [execPath, WORKER, what, journal, file];
const natively = (what, file) => [NATIVE, what, file];

/** Who commits, by turns, and who looks. */
const programs = {
  "the file journal, natively": { by: [natively], looked: inNode("file") },
  "the file journal, in Node": { by: [inNode("file")], looked: natively },
  "the file journal, natively and in Node by turns": { by: [natively, inNode("file")], looked: natively },
};

for (const [name, { by, looked }] of Object.entries(programs)) {
  test(`${name}: ${KILLS} times killed, and nothing lost`, async (context) => {
    assert.ok(NATIVE, "DAG_STORE_KILL_WORKER must name the native program");
    const seen = { acknowledged: 0, unacknowledged: 0, whileOpening: 0 };
    for (let kills = 0; kills < KILLS; kills += KILLS_A_FILE) {
      const folder = mkdtempSync(path.join(FOLDER, "dag-store-kill-"));
      const file = path.join(folder, "journal");
      /** The states that were there when somebody looked: a commit that was there once stays. */
      let known = [];
      for (let i = 0; i < Math.min(KILLS_A_FILE, KILLS - kills); i++) {
        const { opened, acknowledged } = await runAndKill(by[i % by.length]("commit", file));
        if (opened !== undefined) assert.equal(opened, known.length, "the commits that it found");
        // Who was killed before the journal was open may not even have made it.
        const states = opened === undefined && known.length === 0 ? [] : look(looked("check", file));
        assert.deepEqual(states.slice(0, known.length), known);
        for (const [number, state] of acknowledged) assert.equal(states[number - 1], state, `commit ${number} of ${states.length}`);
        seen.acknowledged += acknowledged.size;
        seen.unacknowledged += states.length - known.length - acknowledged.size;
        seen.whileOpening += opened === undefined ? 1 : 0;
        known = states;
      }
      rmSync(folder, { recursive: true });
    }
    assert.ok(seen.acknowledged > KILLS, `only ${seen.acknowledged} commits were acknowledged`);
    context.diagnostic(JSON.stringify(seen));
  });
}

/** Runs a program until it has acknowledged some commits, and a little on. Gives how many it found, and what it acknowledged. */
async function runAndKill([program, ...args]) {
  // Some are killed before they have even opened the journal, most in the midst of things.
  const wanted = Math.random() < 0.1 ? 0 : 1 + Math.floor(Math.random() * 60);
  const child = spawn(program, args, { stdio: ["ignore", "pipe", "pipe"] });
  const ended = once(child, "close");
  const told = [];
  child.stderr.on("data", (data) => told.push(data));
  const acknowledged = new Map();
  let opened;
  let isDoomed = false;
  const kill = () => {
    isDoomed = true;
    setTimeout(() => child.kill("SIGKILL"), Math.random() * 8);
  };
  if (wanted === 0) kill();
  const lines = createInterface({ input: child.stdout });
  lines.on("line", (line) => {
    const [what, number, state] = line.split(" ");
    if (what === "open") opened = Number(number);
    else acknowledged.set(Number(number), state);
    if (acknowledged.size >= wanted && !isDoomed) kill();
  });
  const [[code, signal]] = await Promise.all([ended, once(lines, "close")]);
  assert.equal(signal, "SIGKILL", `${program} ended by itself, with ${code}: ${Buffer.concat(told)}`);
  return { opened, acknowledged };
}

/** What another process finds: the state after each commit that is there. */
function look([program, ...args]) {
  const output = execFileSync(program, args, { encoding: "utf8", maxBuffer: 1 << 28 });
  return output.split("\n").filter(Boolean).map((line, i) => {
    const [what, number, state] = line.split(" ");
    assert.deepEqual([what, Number(number)], ["state", i + 1]);
    return state;
  });
}
