/** Bun: as an ES module, by `require`, and as one executable file that is run from another folder. */
import { checkCarried } from "./carried.mjs";
import { tool } from "./tools.mjs";

const program = tool("@oven/bun-linux-x64/bin/bun");
const guest = (name) => `js-tests/runtimes/guest/${name}`;
const version = async (context) => (await context.run(program, ["--version"])).trim();

/** It sends no reports. */
const QUIET = { DO_NOT_TRACK: "1" };

export const bun = [
  { name: "bun-import", version, run: (context) => context.runSuite(program, ["run", guest("import.mjs")], { env: QUIET }) },
  { name: "bun-require", version, run: (context) => context.runSuite(program, ["run", guest("require.cjs")], { env: QUIET }) },
  { name: "bun-compile", version, run: runCompiled },
];

async function runCompiled(context) {
  const { consumer } = context;
  await context.run(program, ["build", "--compile", guest("import.mjs"), "--outfile", "compiled"], { env: QUIET });
  await checkCarried(context, ["compiled"]);
  // What it needs, it has within.
  await consumer.vendor("dag-store");
  await consumer.vendor("dag-store-faults");
  await context.runSuite(consumer.path("compiled"), [], { cwd: "..", env: QUIET });
}
