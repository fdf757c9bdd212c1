/** Workers in workerd, as they are measured. */
import { writeFileSync } from "node:fs";
import path from "node:path";
import { build } from "esbuild";

const here = import.meta.dirname;

/** Puts a Worker's modules into the folder. Gives them as workerd's configuration names them, the main one first. */
export async function modules(entry, folder) {
  const { outputFiles } = await build({
    entryPoints: [path.join(here, entry)],
    bundle: true,
    conditions: ["workerd"],
    external: ["node:crypto"],
    format: "esm",
    loader: { ".wasm": "copy" },
    logLevel: "error",
    outdir: folder,
    target: "esnext",
    write: false,
  });
  const made = outputFiles.map(({ path: file, contents }) => {
    writeFileSync(file, contents);
    const name = path.relative(folder, file);
    return `(name = "${name}", ${name.endsWith(".wasm") ? "wasm" : "esModule"} = embed "${name}")`;
  });
  const [main] = made.splice(made.findIndex((module) => module.includes("esModule")), 1);
  return [main, ...made].join(", ");
}

/** Starts it; gives the program, and the address at which it answers. */
export async function start(programs, configuration) {
  const workerd = path.join(here, "node_modules/@cloudflare/workerd-linux-64/bin/workerd");
  const program = programs.start(workerd, ["serve", configuration, "--control-fd=1"]);
  const [, port] = await program.printed(/"event":"listen".*"port":(\d+)/);
  return { program, address: `http://127.0.0.1:${port}` };
}
