/**
 * Measures journals beside what people use in their place, each in its runtime, with the packed package as a user has it.
 *
 *     node run.mjs --list [NAME…]                            a line of JSON per cell: its name, the Debian packages it needs
 *     node run.mjs --package FILE.tgz [--rounds 30] [NAME…]  a line of JSON per cell: its rows
 *
 * `cargo xtask bench` packs and installs what this needs, and writes the page.
 */
import { parseArgs } from "node:util";
import { withContext } from "../runtimes/cell.mjs";
import { cells } from "./cells.mjs";

const { values: options, positionals: names } = parseArgs({
  allowPositionals: true,
  options: { list: { type: "boolean" }, package: { type: "string" }, rounds: { type: "string", default: "30" } },
});

for (const cell of cells) {
  if (names.length > 0 && !names.some((name) => cell.name.startsWith(name))) continue;
  const { name, packages } = cell;
  if (options.list) {
    console.log(JSON.stringify({ name, packages }));
    continue;
  }
  const measured = await withContext({ "dag-store": options.package }, async (context) => {
    const runtime = await cell.version(context);
    return { name, runtime, rows: await cell.run(context, Number(options.rounds)) };
  });
  console.log(JSON.stringify(measured));
}
