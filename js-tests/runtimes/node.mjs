/** Node: as an ES module and by `require`. */
import { tool } from "./tools.mjs";

/** The oldest is the one that runs this. */
export const NODES = {
  "node-20": process.execPath,
  "node-22": tool("node22/bin/node"),
  "node-24": tool("node24/bin/node"),
  "node-26": tool("node26/bin/node"),
};

export const nodeVersion = async (context, program) => (await context.run(program, ["--version"])).trim().slice(1);

export const node = Object.entries(NODES).flatMap(([name, program]) =>
  Object.entries({ import: "import.mjs", require: "require.cjs" }).map(([how, guest]) => ({
    name: `${name}-${how}`,
    version: (context) => nodeVersion(context, program),
    run: (context) => context.runSuite(program, ["--expose-gc", `js-tests/runtimes/guest/${guest}`]),
  })),
);
