/** Makes of what a runtime has for it: force the collector, and let finalizers run. */
export const collector = (force) => async () => {
  for (let i = 0; i < 3; i++) {
    await force();
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
};

const force = globalThis.Bun ? () => Bun.gc(true) : globalThis.gc;

/** That of this runtime; `undefined` where it has none, or hides it without `--expose-gc`. */
export const collectGarbage = force && collector(force);
