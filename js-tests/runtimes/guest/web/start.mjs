/** Starts the suite in the kind of worker that the page's address names. */
import { postFailure } from "./post.mjs";

const MODULE = { type: "module" };

const START = {
  worker: () => watch(new Worker("by-path-now.mjs", MODULE)),
  "shared-worker": () => watch(new SharedWorker("by-path-now.mjs", MODULE)),
  "service-worker": async () => {
    await navigator.serviceWorker.register("service-worker.mjs", MODULE);
    const { active } = await navigator.serviceWorker.ready;
    active.postMessage("run");
  },
};

/** A worker that can't be loaded says so only to its page. */
function watch(worker) {
  worker.onerror = ({ message }) => postFailure(message || "the worker could not be loaded");
}

// An engine without such a worker throws here, and the table says so.
try {
  await START[new URLSearchParams(location.search).get("in")]();
} catch (error) {
  postFailure(error);
}
