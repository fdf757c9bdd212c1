/** Cloudflare's tool: bundles and serves a Worker, as its users do. */
import { readdir, rm } from "node:fs/promises";
import { NODES } from "./node.mjs";
import { tool } from "./tools.mjs";

/** A Worker in the consumer's folder, which this configuration describes. */
export class Wrangler {
  #context;
  #config;

  constructor(context, config) {
    this.#context = context;
    this.#config = config;
  }

  static async version(context) {
    return (await context.run(...invocation("--version"))).trim().split(" ").at(-1);
  }

  /** What would be deployed: the names of the files, from the consumer's folder. */
  async bundle() {
    const { consumer } = this.#context;
    // Another Worker of the same project may have been bundled before.
    await rm(consumer.path("bundle"), { recursive: true, force: true });
    await this.#context.run(...invocation("deploy", "--dry-run", "--outdir", consumer.path("bundle"), "--config", this.#config));
    return (await readdir(consumer.path("bundle"))).map((name) => `bundle/${name}`);
  }

  /** Serves the Worker; gives the origin. */
  async dev() {
    return (await this.serve()).origin;
  }

  /** Serves the Worker; gives the origin, and the program that serves. What its objects keep is there the next time. */
  async serve() {
    const flags = ["--ip", "127.0.0.1", "--port", "0", "--inspector-port", "0"];
    const server = this.#context.start(...invocation("dev", ...flags, "--config", this.#config));
    const [, origin] = await server.printed(/Ready on (http:\/\/\S+)/);
    return { origin, server };
  }
}

/** wrangler asks for Node 22 or later. */
const invocation = (...args) => [
  NODES["node-24"],
  [tool("wrangler/bin/wrangler.js"), ...args],
  { env: { CI: "1", WRANGLER_SEND_METRICS: "false" } },
];
