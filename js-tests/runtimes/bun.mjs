/** Bun: as an ES module, by `require`, and as one executable file that is run from another folder. */
import { checkCarried } from "./carried.mjs";
import { tool } from "./tools.mjs";

export const BUN = tool("@oven/bun-linux-x64/bin/bun");
const guest = (name) => `js-tests/runtimes/guest/${name}`;
export const bunVersion = async (context) => (await context.run(BUN, ["--version"])).trim();

/** It sends no reports. */
export const BUN_QUIET = { DO_NOT_TRACK: "1" };

export const bun = [
  { name: "bun-import", version: bunVersion, run: (context) => context.runSuite(BUN, ["run", guest("import.mjs")], { env: BUN_QUIET }) },
  { name: "bun-require", version: bunVersion, run: (context) => context.runSuite(BUN, ["run", guest("require.cjs")], { env: BUN_QUIET }) },
  { name: "bun-compile", version: bunVersion, run: runCompiled },
];

async function runCompiled(context) {
  const { consumer } = context;
  await context.run(BUN, ["build", "--compile", guest("import.mjs"), "--outfile", "compiled"], { env: BUN_QUIET });
  await checkCarried(context, ["compiled"]);
  // What it needs, it has within.
  await consumer.vendor("dag-store");
  await consumer.vendor("dag-store-faults");
  await context.runSuite(consumer.path("compiled"), [], { cwd: "..", env: BUN_QUIET });
}
