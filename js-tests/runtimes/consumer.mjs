import { execFile } from "node:child_process";
import { rmSync } from "node:fs";
import { cp, mkdtemp, mkdir, rename, rm, writeFile } from "node:fs/promises";
import os from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

const here = path.dirname(fileURLToPath(import.meta.url));

/** The folders in use, which are gone with this process, however it ends. */
const roots = new Set();
process.on("exit", () => roots.forEach((root) => rmSync(root, { recursive: true, force: true })));

/**
 * An empty project with the package installed as a user would, and the suite beside it: `js-tests/suite/` and
 * `js-tests/runtimes/guest/`, in the same places as in the repository.
 */
export class Consumer {
  /** The project's folder. */
  folder;
  /** A home folder for what runs in it. */
  home;
  #root;

  /** Installs these tarballs under these names, without a network. */
  static async make(packages) {
    const consumer = new Consumer();
    consumer.#root = await mkdtemp(path.join(os.tmpdir(), "dag-store-runtime-"));
    roots.add(consumer.#root);
    consumer.folder = path.join(consumer.#root, "project");
    consumer.home = path.join(consumer.#root, "home");
    await mkdir(consumer.folder);
    await mkdir(consumer.home);
    await consumer.write("package.json", `{ "name": "consumer", "private": true, "type": "module" }\n`);
    const specs = Object.entries(packages).map(([name, file]) => `${name}@file:${path.resolve(file)}`);
    const flags = ["--offline", "--ignore-scripts", "--no-audit", "--no-fund"];
    await promisify(execFile)("npm", ["install", ...flags, ...specs], { cwd: consumer.folder });
    await consumer.take("../suite", "js-tests/suite");
    await consumer.take("guest", "js-tests/runtimes/guest");
    return consumer;
  }

  /** A path in the project. */
  path(...names) {
    return path.join(this.folder, ...names);
  }

  /** Copies a file or folder, named from the folder of this module, to a place in the project. */
  async take(from, to) {
    await cp(path.join(here, from), this.path(to), { recursive: true });
  }

  async write(name, text) {
    await mkdir(path.dirname(this.path(name)), { recursive: true });
    await writeFile(this.path(name), text);
  }

  /** Moves a package out of `node_modules/`, to `vendor/`. */
  async vendor(name) {
    await mkdir(this.path("vendor"), { recursive: true });
    await rename(this.path("node_modules", name), this.path("vendor", name));
  }

  async remove() {
    await rm(this.#root, { recursive: true, force: true, maxRetries: 3 });
    roots.delete(this.#root);
  }
}
