/** From the start of a process to its first inserted node, less what an empty one takes. */
import { spawnSync } from "node:child_process";
import path from "node:path";
import { inTurns, many, report, wants } from "./measure.mjs";

const ROUNDS = many(60, 2);

function start(name) {
  const { status, stderr } = spawnSync(process.execPath, [path.join(import.meta.dirname, "start", `${name}.mjs`)], { encoding: "utf8" });
  if (status !== 0) throw new Error(stderr);
}

if (wants("W12")) {
  const programs = { "dag-store": "ours", "by hand": "by-hand", Loro: "loro", Automerge: "automerge", empty: "empty" };
  const sides = Object.fromEntries(Object.entries(programs).map(([side, name]) => [side, () => start(name)]));
  const { empty, ...times } = await inTurns(ROUNDS, 1e6, sides);
  report("W12", Object.fromEntries(Object.entries(times).map(([side, time]) => [side, time - empty])), ROUNDS);
}
