/**
 * What the package promises, as tests that know no runtime. A runner runs each case with the package's
 * exports (and, where the runtime has one, `collectGarbage`), and says which failed.
 */
import { batches } from "./batches.mjs";
import { hostile } from "./hostile.mjs";
import { ids } from "./ids.mjs";
import { lists } from "./lists.mjs";
import { overlap } from "./overlap.mjs";
import { store } from "./store.mjs";
import { values } from "./values.mjs";

/** @type {{ name: string, run: (api: object) => Promise<void> }[]} */
export const suite = Object.entries({ store, values, ids, batches, lists, overlap, hostile }).flatMap(([part, cases]) =>
  cases.map(([name, run]) => ({ name: `${part}: ${name}`, run })),
);
