/** The journal in a Durable Object's own SQLite, in workerd, beside rows written by hand. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { Programs } from "../../js-tests/runtimes/program.mjs";
import { many, median, nanoseconds, perSecond, report, same, wants } from "./measure.mjs";
import { modules, start } from "./workerd.mjs";

const ROUNDS = many(30, 3);
const ROWS = { "object-alone": { count: 1, times: many(20, 2) }, "object-batch": { count: many(1_000, 50), times: 1 } };

const home = mkdtempSync(path.join(process.env.DAG_STORE_BENCH_DISK ?? tmpdir(), "dag-store-bench-"));
const programs = new Programs({ folder: home, home });

const configuration = (modules) => `using Workerd = import "/workerd/workerd.capnp";

const config :Workerd.Config = (
  services = [(name = "bench", worker = .bench), (name = "disk", disk = (path = "disk", writable = true))],
  sockets = [(name = "http", address = "127.0.0.1:0", http = (), service = "bench")],
);

const bench :Workerd.Worker = (
  compatibilityDate = "2026-11-01",
  compatibilityFlags = ["nodejs_compat"],
  modules = [${modules}],
  durableObjectNamespaces = [(className = "Bench", uniqueKey = "bench", enableSql = true)],
  durableObjectStorage = (localDisk = "disk"),
  bindings = [(name = "BENCH", durableObjectNamespace = "Bench")],
);
`;

try {
  writeFileSync(path.join(home, "bench.capnp"), configuration(await modules("durable-object-worker.mjs", home)));
  mkdirSync(path.join(home, "disk"));
  const { address } = await start(programs, "bench.capnp");
  const ask = async (way, { count, times }) => {
    const response = await fetch(`${address}/${way}?${new URLSearchParams({ count, times })}`);
    if (!response.ok) throw new Error(`${response.status}: ${await response.text()}`);
    return (await response.json()).nodes;
  };
  let nodes = 0;
  for (const [row, what] of Object.entries(ROWS)) {
    if (!wants(row)) continue;
    const sides = { "dag-store": "journal", "rows by hand": "rows" };
    const times = Object.fromEntries(Object.keys(sides).map((side) => [side, []]));
    for (let round = 0; round < ROUNDS; round++) {
      for (const [side, way] of Object.entries(sides)) {
        const nothing = await nanoseconds(() => ask("nothing", what));
        const time = await nanoseconds(() => ask(way, what));
        times[side].push(Math.max(time - nothing, 1) / what.times / what.count);
      }
    }
    nodes += ROUNDS * what.times * what.count;
    same(await ask("nothing", what), nodes, "how many nodes there are");
    report(row, perSecond(Object.fromEntries(Object.entries(times).map(([side, list]) => [side, median(list)]))), ROUNDS);
  }
} catch (error) {
  throw new Error(programs.output, { cause: error });
} finally {
  await programs.end();
  rmSync(home, { recursive: true, maxRetries: 3 });
}
