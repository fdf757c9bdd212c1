/** Whole processes that put many nodes in, one by one, with all that their garbage collectors do. */
import { spawnSync } from "node:child_process";
import path from "node:path";
import { median, many, report, wants } from "./measure.mjs";

const NODES = many(1_000_000, 2_000);
const ROUNDS = many(3, 1);
const PROGRAMS = { "dag-store": "ours", "by hand, with care": "by-hand" };

/** What it takes for each node: microseconds, and bytes of memory at the most. */
function run(name) {
  const program = path.join(import.meta.dirname, "whole", `${name}.mjs`);
  const start = performance.now();
  const { status, stdout, stderr } = spawnSync(process.execPath, [program, NODES], { encoding: "utf8" });
  const time = performance.now() - start;
  if (status !== 0) throw new Error(stderr);
  return { time: (time * 1e3) / NODES, memory: Number(stdout) / NODES };
}

const runs = Object.fromEntries(Object.keys(PROGRAMS).map((side) => [side, []]));
for (let round = 0; round < ROUNDS; round++) {
  for (const [side, name] of Object.entries(PROGRAMS)) runs[side].push(run(name));
}
const medians = (what) => Object.fromEntries(Object.entries(runs).map(([side, list]) => [side, median(list.map((it) => it[what]))]));
if (wants("W2")) report("W2", medians("time"), ROUNDS);
if (wants("W2-memory")) report("W2-memory", medians("memory"), ROUNDS);
