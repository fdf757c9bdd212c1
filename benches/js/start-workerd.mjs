/** From the start of workerd to the first inserted node, less what an empty Worker takes. */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { Programs } from "../../js-tests/runtimes/program.mjs";
import { inTurns, many, report, scaled, wants } from "./measure.mjs";
import { modules, start } from "./workerd.mjs";

const ROUNDS = many(40, 2);
const WORKERS = { "dag-store": "worker", empty: "worker-empty" };

const home = mkdtempSync(path.join(process.env.DAG_STORE_BENCH_DISK ?? tmpdir(), "dag-store-bench-"));
const programs = new Programs({ folder: home, home });

const configuration = (modules) => `using Workerd = import "/workerd/workerd.capnp";

const config :Workerd.Config = (
  services = [(name = "start", worker = (compatibilityDate = "2026-11-01", modules = [${modules}]))],
  sockets = [(name = "http", address = "127.0.0.1:0", http = (), service = "start")],
);
`;

async function answer(name) {
  const { program, address } = await start(programs, `${name}.capnp`);
  const response = await fetch(address);
  if (!response.ok) throw new Error(await response.text());
  await response.text();
  await program.stop();
}

try {
  for (const name of Object.values(WORKERS)) writeFileSync(path.join(home, `${name}.capnp`), configuration(await modules(`start/${name}.mjs`, home)));
  const sides = Object.fromEntries(Object.entries(WORKERS).map(([side, name]) => [side, () => answer(name)]));
  const { "dag-store": ours, empty } = await inTurns(ROUNDS, 1, sides);
  if (wants("W12-workerd")) report("W12-workerd", scaled({ "dag-store": ours - empty }, 1e-6), ROUNDS);
} catch (error) {
  throw new Error(programs.output, { cause: error });
} finally {
  await programs.end();
  rmSync(home, { recursive: true, maxRetries: 3 });
}
