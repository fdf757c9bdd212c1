/**
 * What the package promises, as tests that know no runtime. A runner runs each case with the package's
 * exports, those of `dag-store/verify` as `verify` (and, where there is such a thing, `collectGarbage` and
 * the `faults` build of the package), and says which failed. A case that can't be run throws `NotHere`,
 * which is neither.
 */
import { args } from "./arguments.mjs";
import { batches } from "./batches.mjs";
import { cars } from "./cars.mjs";
import { copies } from "./copies.mjs";
import { faults } from "./faults.mjs";
import { graph } from "./graph.mjs";
import { hostile } from "./hostile.mjs";
import { ids } from "./ids.mjs";
import { leaks } from "./leaks.mjs";
import { life } from "./life.mjs";
import { lists } from "./lists.mjs";
import { long } from "./long.mjs";
import { overlap } from "./overlap.mjs";
import { proofs } from "./proofs.mjs";
import { queries } from "./queries.mjs";
import { store } from "./store.mjs";
import { trace } from "./trace.mjs";
import { values } from "./values.mjs";
import { watching } from "./watch.mjs";
import { world } from "./world.mjs";

/** @type {{ name: string, run: (api: object) => Promise<void> }[]} */
export const suite = Object.entries({ store, values, ids, batches, life, leaks, lists, queries, copies, graph, cars, overlap, long, proofs, hostile, arguments: args, watch: watching, world, trace, faults }).flatMap(([part, cases]) =>
  cases.map(([name, run]) => ({ name: `${part}: ${name}`, run })),
);

const names = new Set(suite.map(({ name }) => name));
if (names.size !== suite.length) throw new Error("two cases have the same name");
