/** Starts the suite in a worker, in the words that bundlers know. */
import { postFailure } from "./post.mjs";

const worker = new Worker(new URL("./suite.mjs", import.meta.url), { type: "module" });
worker.onerror = ({ message }) => postFailure(message || "the worker could not be loaded");
