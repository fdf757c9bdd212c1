/** What bundlers make of an app that imports the package, without any configuration; opened in Chromium. */
import { rm } from "node:fs/promises";
import path from "node:path";
import { BROWSERS } from "./browser.mjs";
import { bundle, checkRequests, filesOf, runElsewhere } from "./bundle.mjs";
import { checkCarried } from "./carried.mjs";
import { runPage } from "./page.mjs";
import { tool } from "./tools.mjs";

const { chromium } = BROWSERS;
const WEB = "js-tests/runtimes/guest/web";

/** What the app is: it runs the suite in the window, or starts it in a worker. */
const MAINS = { window: `${WEB}/suite.mjs`, worker: `${WEB}/start-bundled.mjs` };

/**
 * The tools that make files. `build` gives the script of the page; those that find a file named by `new URL(…)`
 * take the wasm along as an asset, the others are left with the copy within the JavaScript.
 */
const TOOLS = {
  "vite-build": {
    manifest: tool("vite/package.json"),
    places: ["window", "worker"],
    takesAssets: true,
    async build(context, main) {
      await writePage(context, "index.html", `/${main}`);
      await node(context, "vite/bin/vite.js", "build");
    },
  },
  webpack: {
    manifest: tool("webpack/package.json"),
    places: ["window", "worker"],
    takesAssets: true,
    async build(context, main) {
      await node(context, "webpack-cli/bin/cli.js", "build", "--mode=production", "--entry", `./${main}`);
      await writePage(context, "dist/index.html", "main.js");
    },
  },
  esbuild: {
    manifest: tool("esbuild/package.json"),
    places: ["window"],
    takesAssets: false,
    async build(context, main) {
      await context.run(tool(".bin/esbuild"), [main, "--bundle", "--format=esm", "--outfile=dist/main.js"]);
      await writePage(context, "dist/index.html", "main.js");
    },
  },
  rollup: {
    manifest: tool("rollup/package.json"),
    places: ["window"],
    takesAssets: false,
    async build(context, main) {
      const resolve = tool("@rollup/plugin-node-resolve/dist/cjs/index.js");
      await node(context, "rollup/dist/bin/rollup", "--input", main, "--dir=dist", "--plugin", resolve);
      await writePage(context, "dist/index.html", `${path.basename(main, ".mjs")}.js`);
    },
  },
};

const built = Object.entries(TOOLS).flatMap(([name, { manifest, places, takesAssets, build }]) =>
  places.map((place) =>
    bundle(places.length > 1 ? `${name}-${place}` : name, manifest, async (context) => {
      // What another cell built, in the same project.
      await rm(context.consumer.path("dist"), { recursive: true, force: true });
      await build(context, MAINS[place]);
      const server = await context.serve(context.consumer.path("dist"));
      const { requests } = await runPage(context, chromium, server, "/");
      await checkCarried(context, await filesOf(context, "dist"), { file: takesAssets ? 1 : 0, text: 1 });
      if (takesAssets) checkRequests(context, requests);
      context.note(takesAssets ? "the wasm is a file" : "the wasm is text in the JavaScript, after a request that finds no file");
    }),
  ),
);

const viteDev = bundle("vite-dev", tool("vite/package.json"), async (context) => {
  await writePage(context, "index.html", `/${MAINS.window}`);
  const vite = context.start(process.execPath, [tool("vite/bin/vite.js"), "--host", "127.0.0.1", "--port", "0"]);
  const [origin] = await vite.printed(/http:\/\/127\.0\.0\.1:\d+/);
  await runElsewhere(context, `${origin}/`);
});

export const bundlers = [viteDev, ...built];

function node(context, script, ...args) {
  return context.run(process.execPath, [tool(script), ...args]);
}

function writePage(context, name, script) {
  const lines = [
    "<!doctype html>",
    '<html lang="en">',
    "  <title>The suite, bundled</title>",
    '  <link rel="icon" href="data:," />',
    `  <script type="module" src="${script}"></script>`,
    "</html>",
  ];
  return context.consumer.write(name, `${lines.join("\n")}\n`);
}
