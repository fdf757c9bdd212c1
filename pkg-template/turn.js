/** How others get their turn: a call that takes long gives way to the event loop between its slices. */

// Taken at import, so that the clocks which tests put in their place don't stop a store.
const { setImmediate, setTimeout } = globalThis;

let run = choose();

/**
 * Runs a function as a task of its own, after those that wait already: the page has painted, clicks and
 * timers were served. By whichever way the runtime has that costs least and keeps nothing alive afterwards.
 */
export function afterOthers(task) {
  run(task);
}

/** Sets the way, where an entry knows better. */
export function setTurns(way) {
  run = way;
}

/** Waits until the others had their turn. */
export const turn = () => new Promise(afterOthers);

/** Runs what yields where it could give way, in one go. */
export function inOneGo(steps) {
  let step;
  do step = steps.next();
  while (!step.done);
  return step.value;
}

/** Runs what yields where it should give way, and lets the others have their turn there. */
export async function inTurns(steps) {
  for (;;) {
    const { done, value } = steps.next();
    if (done) return value;
    await turn();
  }
}

function choose() {
  // Node, Bun, Deno.
  if (typeof setImmediate === "function") return (task) => setImmediate(task);
  // Browsers: a timer waits four milliseconds there, and `scheduler.yield` comes back before the page's own
  // timers do. A channel that stays open would keep some processes alive.
  if (typeof MessageChannel === "function") {
    return (task) => {
      const { port1, port2 } = new MessageChannel();
      port1.onmessage = () => {
        port1.close();
        task();
      };
      port2.postMessage(undefined);
    };
  }
  return (task) => setTimeout(task, 0);
}
