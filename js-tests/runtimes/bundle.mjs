import { readFile, readdir } from "node:fs/promises";
import path from "node:path";
import { BROWSERS } from "./browser.mjs";
import { runPage } from "./page.mjs";

const { chromium } = BROWSERS;

/** A cell for what a tool bundles. Those of one tool share a project: `next-webpack` is that of `next-webpack-client`. */
export function bundle(name, manifest, run) {
  const version = async () => JSON.parse(await readFile(manifest, "utf8")).version;
  const project = name.replace(/-(window|worker|client|server)$/, "");
  return { name, project, packages: chromium.packages, version, run };
}

/** The files that a tool made. */
export async function filesOf({ consumer }, folder) {
  const entries = await readdir(consumer.path(folder), { recursive: true, withFileTypes: true });
  return entries.filter((entry) => entry.isFile()).map((entry) => path.relative(consumer.folder, path.join(entry.parentPath, entry.name)));
}

/** Opens a page of another server, which posts its outcomes to ours. */
export async function runElsewhere(context, address) {
  const server = await context.serve(context.consumer.folder);
  const { requests } = await runPage(context, chromium, server, `${address}?${outcomesOf(server)}`);
  checkRequests(context, requests);
}

/** What tells a page where its outcomes go. */
export const outcomesOf = (server) => new URLSearchParams({ outcomes: `${server.origin}/outcomes` });

/** The wasm must come as a file, and nothing may be asked for that isn't there. */
export function checkRequests(context, requests) {
  const missing = requests.filter(({ status }) => status >= 400).map(({ address }) => address);
  context.check("no request is answered with 404", missing.length > 0 ? missing.join(", ") : undefined);
  const files = requests.filter(({ address, status }) => status === 200 && new URL(address).pathname.endsWith(".wasm"));
  context.check("the wasm is loaded as a file", files.length > 0 ? undefined : requests.map(({ address }) => address).join(", "));
}
