/** Deno, without any permission: the package from npm's folder, and as a local file. */
import { tool } from "./tools.mjs";

export const DENO = tool("@deno/linux-x64-glibc/deno");
/** It may not ask for a permission either. */
export const DENO_RUN = ["run", "--no-prompt"];

export const denoVersion = async (context) => (await context.run(DENO, ["--version"])).split(" ")[1];

const runSuite = (context, guest) => context.runSuite(DENO, [...DENO_RUN, "--v8-flags=--expose-gc", `js-tests/runtimes/guest/${guest}`]);

export const deno = [
  { name: "deno-npm", version: denoVersion, run: (context) => runSuite(context, "import.mjs") },
  {
    name: "deno-file",
    version: denoVersion,
    async run(context) {
      await context.consumer.vendor("dag-store");
      await context.consumer.vendor("dag-store-faults");
      await runSuite(context, "file.mjs");
    },
  },
];
