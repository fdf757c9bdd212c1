/**
 * Runs the suite in every runtime, or in those that are named, each with the packed package as a user has it.
 *
 *     node run.mjs --list [NAME…]                                  a line of JSON per cell: what it is called and what it needs
 *     node run.mjs --package FILE.tgz --faults FILE.tgz [NAME…]    a line of JSON per cell: what came of it
 *
 * `cargo xtask test runtimes` packs and installs what this needs, and prints the table.
 */
import { parseArgs } from "node:util";
import { runProject } from "./cell.mjs";
import { chosen } from "./cells.mjs";

/** How many projects at a time. */
const AT_ONCE = 2;

const { values: options, positionals: names } = parseArgs({
  allowPositionals: true,
  options: { list: { type: "boolean" }, package: { type: "string" }, faults: { type: "string" } },
});

const cells = chosen(names);
if (options.list) {
  for (const { name, packages = [] } of cells) console.log(JSON.stringify({ name, packages }));
} else {
  const projects = grouped(cells);
  const work = async () => {
    for (let cells; (cells = projects.shift()); ) {
      const packages = { "dag-store": options.package, "dag-store-faults": options.faults };
      for await (const result of runProject(cells, packages)) console.log(JSON.stringify(result));
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, work));
}

/** Cells of the same project together. */
function grouped(cells) {
  const projects = new Map();
  for (const cell of cells) {
    const name = cell.project ?? cell.name;
    projects.set(name, [...(projects.get(name) ?? []), cell]);
  }
  return [...projects.values()];
}
