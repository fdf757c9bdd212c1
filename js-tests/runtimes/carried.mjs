import { readFile } from "node:fs/promises";

/** Checks how often the files that a bundler made carry the package's wasm: once, and not as text besides, unless told otherwise. */
export async function checkCarried(context, files, { file = 1, text: asText = 0 } = {}) {
  const { consumer } = context;
  const dist = (name) => readFile(consumer.path("node_modules/dag-store/dist", name));
  const wasm = await dist("dag.wasm");
  const [, text] = /"(.{1000})/.exec(await dist("inline-data.js"));
  const made = Buffer.concat(await Promise.all(files.map((name) => readFile(consumer.path(name)))));
  for (const [what, part, expected] of [["as a file", wasm, file], ["as text", Buffer.from(text), asText]]) {
    const times = count(made, part);
    context.check(`the wasm is carried ${what}`, times === expected ? undefined : `${times} times, not ${expected}`);
  }
}

function count(bytes, part) {
  let times = 0;
  for (let at = bytes.indexOf(part); at !== -1; at = bytes.indexOf(part, at + 1)) times += 1;
  return times;
}
