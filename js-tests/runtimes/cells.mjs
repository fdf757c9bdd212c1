/** All the cells of the table, in its order. */
import { browsers } from "./browsers.mjs";
import { bun } from "./bun.mjs";
import { bundlers } from "./bundlers.mjs";
import { named } from "./cell.mjs";
import { deno } from "./deno.mjs";
import { examplePage } from "./example-page.mjs";
import { examples } from "./examples.mjs";
import { journals } from "./journals.mjs";
import { kills } from "./kills.mjs";
import { next } from "./next.mjs";
import { node } from "./node.mjs";
import { snippets } from "./snippets.mjs";
import { sqliteProcesses } from "./sqlite-processes.mjs";
import { workerd } from "./workerd.mjs";

export const cells = named([
  ...[...node, ...deno, ...bun, ...workerd, ...browsers, ...journals, ...sqliteProcesses, ...kills],
  ...[...bundlers, ...next, ...examples, examplePage, ...snippets],
]);

/** The cells of these names, or whose names begin so: `node` and `node-22` both name `node-22-import`. All, where none is named. */
export function chosen(names) {
  const isNamed = (cell, name) => cell.name === name || cell.name.startsWith(`${name}-`);
  const unknown = names.filter((name) => !cells.some((cell) => isNamed(cell, name)));
  if (unknown.length > 0) {
    throw new Error(`no runtime is called ${unknown.join(" or ")}; there are ${cells.map(({ name }) => name).join(", ")}`);
  }
  return names.length > 0 ? cells.filter((cell) => names.some((name) => isNamed(cell, name))) : cells;
}
