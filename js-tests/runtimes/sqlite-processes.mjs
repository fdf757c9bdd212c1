/** Processes that share one journal in SQLite, and processes that are killed while they write to one. */
import { NODES, nodeVersion } from "./node.mjs";

const GUEST = "js-tests/runtimes/guest";
const isFull = process.env.DAG_STORE_FULL === "1";
/** How many commits each of two writers makes. */
const EACH = isFull ? 5_000 : 150;
/** How often a writer is killed. */
const KILLS = isFull ? 100 : 8;
const limit = isFull ? 7_200_000 : 900_000;

const node = NODES["node-24"];

export const sqliteProcesses = [
  { name: "sqlite-processes", suite: false, limit, version: (context) => nodeVersion(context, node), run: runProcesses },
];

async function runProcesses(context) {
  const check = (name, isTrue, found) => context.check(name, isTrue ? undefined : JSON.stringify(found));

  const shared = await Promise.all(["one", "two"].map((scope) => write(context, "shared.sqlite", scope, EACH, 2 * EACH)));
  const both = await read(context, "shared.sqlite");
  const ends = shared.map((told) => told.pop());
  check("both have seen every commit, once and in order", ends.every(({ cids }) => same(cids, both.cids)), ends);
  const hashes = [...ends, both].map(({ stateHash }) => stateHash);
  check("both agree on the state hash, with one who opens it anew", new Set(hashes).size === 1, hashes);
  const acknowledged = shared.flat().sort(([a], [b]) => a - b);
  check("two processes write at each other, and every commit is there once", same(acknowledged.map(([, cid]) => cid), both.cids), both);
  check("each in the place that was acknowledged", same(acknowledged.map(([sequence]) => sequence), numbers(2 * EACH)), acknowledged);

  const told = [];
  let isWhole = true;
  for (let times = 0; times < KILLS && isWhole; times++) {
    told.push(...(await writeUntilKilled(context, "killed.sqlite", 1 + ((times * 7) % 23))));
    const { sequence, cids } = await read(context, "killed.sqlite");
    // One commit may have been written that was not acknowledged.
    isWhole = sequence === cids.length && told.every(([place, cid]) => cids[place - 1] === cid);
    check(`nothing acknowledged is lost by kill number ${times + 1}`, isWhole, { told: told.slice(-3), cids: cids.slice(-3), sequence });
  }
  if (isFull) check("whichever byte of a database is damaged, it is noticed", (await context.run(node, [`${GUEST}/sqlite-damage.mjs`], {})) !== undefined);
  context.note(`two processes, ${EACH} commits each; killed ${KILLS} times, after ${told.length} acknowledged commits`);
}

const same = (a, b) => a.length === b.length && a.every((each, i) => each === b[i]);
const numbers = (count) => Array.from({ length: count }, (_, i) => i + 1);

/** What a writer has told of, once it has ended: its commits, and what it saw when there were so many in all. */
async function write(context, file, scope, count, inAll) {
  const told = [];
  await context.run(node, [`${GUEST}/sqlite-writer.mjs`, file, scope, String(count), String(inAll)], { onLine: (line) => told.push(JSON.parse(line)) });
  return told;
}

/** What a writer has told of when it was killed, soon after so many commits. */
async function writeUntilKilled(context, file, commits) {
  const told = [];
  let enough;
  const reached = new Promise((resolve) => (enough = resolve));
  const onLine = (line) => {
    told.push(JSON.parse(line));
    if (told.length === commits) enough();
  };
  const writer = context.start(node, [`${GUEST}/sqlite-writer.mjs`, file, "killed", "1000000"], { onLine });
  await Promise.race([reached, writer.ended]);
  await writer.stop();
  return told;
}

async function read(context, file) {
  return JSON.parse(await context.run(node, [`${GUEST}/sqlite-reader.mjs`, file], {}));
}
