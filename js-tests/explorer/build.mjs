import { execFile } from "node:child_process";
import { createRequire } from "node:module";
import path from "node:path";
import { promisify } from "node:util";

const require = createRequire(import.meta.url);
const tool = (name, file) => path.join(path.dirname(require.resolve(`${name}/package.json`)), file);

/** Where the example is: in this clone, or in the project that the tests run in. */
const EXAMPLE = path.resolve("examples-web/explorer");

/** Checks the example's types. */
export async function check() {
  await node([tool("typescript", "bin/tsc")], {});
}

/** Builds the example with the history of a repository; gives the folder that is to be served. */
export async function build(name, repository) {
  const folder = path.resolve(name);
  await node([tool("vite", "bin/vite.js"), "build", "--outDir", folder, "--logLevel", "warn"], { EXPLORER_REPOSITORY: repository });
  return folder;
}

async function node(args, env) {
  const run = promisify(execFile)(process.execPath, args, { cwd: EXAMPLE, env: { ...process.env, ...env } });
  await run.catch(({ stdout, stderr }) => Promise.reject(new Error(`${stdout}${stderr}`)));
}
