import { runSuite } from "../../../suite/run.mjs";

/**
 * Runs the suite, or other cases, and posts the outcomes, and at the end what nobody caught. Meant for any place that has `fetch`: a
 * window, a worker, a component that a server renders.
 */
export async function postSuite(api, to = "/outcomes", cases = undefined) {
  const uncaught = watch();
  const outbox = new Outbox(to);
  await runSuite({ ...api, collectGarbage }, (outcome) => outbox.put(outcome), { cases });
  await outbox.end({ uncaught, requests: requests(to) });
}

/** Posts an end to a run that never began. */
export const postFailure = (error, to = "/outcomes") => new Outbox(to).end({ uncaught: [String(error?.stack ?? error)] });

/** Posts what is put into it, in the order in which it came, one post at a time. */
class Outbox {
  #to;
  #waiting = [];
  #posting;

  constructor(to) {
    this.#to = to;
  }

  put(outcome) {
    this.#waiting.push(outcome);
    this.#posting ??= this.#postAll();
  }

  async end(end) {
    await this.#posting;
    await this.#post({ end });
  }

  async #postAll() {
    while (this.#waiting.length > 0) await this.#post(this.#waiting.splice(0));
    this.#posting = undefined;
  }

  /** The answer says nothing, so this works across origins too. */
  #post(message) {
    return fetch(this.#to, { method: "POST", mode: "no-cors", body: JSON.stringify(message) });
  }
}

/** What was asked of the net, and what came of it; not the posts. */
const requests = (to) =>
  (globalThis.performance?.getEntriesByType("resource") ?? [])
    .filter(({ name }) => !name.endsWith(to))
    .map(({ name, responseStatus }) => ({ address: name, status: responseStatus }));

/** Gives the list of what goes uncaught from now on, outside of the cases: what a case listens for, it takes for itself. */
function watch() {
  const uncaught = [];
  const keep = (event) =>
    setTimeout(() => {
      const error = event.reason ?? event.error ?? event.message;
      if (!event.defaultPrevented) uncaught.push(String(error?.stack ?? error));
    });
  for (const name of ["error", "unhandledrejection"]) globalThis.addEventListener?.(name, keep);
  return uncaught;
}

/** Chromium and Node are started so that they have a way to call the collector. */
const collect = globalThis.gc ?? makeGarbage;

/** How often the collector was asked for, and which of those rounds it has come for. */
let asked = 0;
let come = 0;
/** Kept here, since a registry that is lost itself tells nothing. */
const registry = new FinalizationRegistry((round) => (come = Math.max(come, round)));

/** Forces the collector, until it has come and finalizers have run. */
async function collectGarbage() {
  const round = ++asked;
  // Many, since an engine that looks for references on the stack may believe to see one.
  for (let i = 0; i < 100; i++) registry.register({}, round);
  for (let times = 0; times < 3 || come < round; times++) {
    collect();
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

/** Where the collector can't be called, it comes when much was taken: buffers count, though nobody writes to these. */
function makeGarbage() {
  for (let i = 0; i < 8; i++) new ArrayBuffer(16 << 20);
}
