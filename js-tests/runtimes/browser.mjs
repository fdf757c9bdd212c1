import { mkdtemp, writeFile } from "node:fs/promises";
import path from "node:path";

/**
 * A browser, started as a user starts it: with a profile that is new and the address of a page. No driver is needed,
 * since the page itself posts what came of it.
 *
 * @typedef {object} Browser
 * @property {string[]} packages what Debian calls it
 * @property {(context: object) => Promise<string>} version
 * @property {RegExp} [givesUp] what it prints where it deletes all that IndexedDB kept, since it finds its files damaged
 * @property {boolean} opensTabs whether a page may open another one in a tab of its own
 * @property {(context: object, address: string, profile?: string, room?: number) => Promise<object>} open gives the program
 *   that runs; where `room` is given, all origins together may store about so many bytes
 */

/** @type {Browser} */
const chromium = {
  packages: ["chromium"],
  // Its LevelDB can't always be read again after it was killed twice in the middle of writing.
  givesUp: /IndexedDB recovering from a corrupted \(and deleted\) database/,
  opensTabs: true,
  version: (context) => version(context, "chromium"),
  async open(context, address, profile, room) {
    const limits = room === undefined ? [] : [`--enable-features=StorageQuotaSettings:PoolSizeBytes/${room}`];
    return context.start("chromium", [...(await chromiumFlags(context, profile)), ...limits, address]);
  },
  /** Keeps a picture of a page, as it looks once it has nothing to do. */
  async picture(context, address, file) {
    const flags = [`--screenshot=${file}`, "--virtual-time-budget=5000", "--window-size=900,700"];
    await context.run("chromium", [...(await chromiumFlags(context)), ...flags, address]);
  },
};

const chromiumFlags = async (context, profile) => [
  "--headless",
  // Whoever runs the tests may be root, where Chromium refuses to start with a sandbox.
  "--no-sandbox",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-dev-shm-usage",
  "--disable-gpu",
  "--disable-popup-blocking",
  "--disable-quic",
  "--disable-sync",
  // What the page writes to its console.
  "--enable-logging=stderr",
  "--js-flags=--expose-gc",
  "--no-first-run",
  `--user-data-dir=${profile ?? (await newProfile(context))}`,
];

/** @type {Browser} */
const firefox = {
  packages: ["firefox-esr"],
  opensTabs: true,
  version: (context) => version(context, "firefox-esr"),
  async open(context, address, profile, room) {
    const folder = profile ?? (await newProfile(context));
    const preferences = {
      // In KiB; -1 is the default, a part of the disk.
      "dom.quotaManager.temporaryStorage.fixedLimit": room === undefined ? -1 : room / 1024,
      "app.normandy.enabled": false,
      // It would open pages a second time, in a storage of their own.
      "browser.pagethumbnails.capturing_disabled": true,
      "browser.sessionstore.resume_from_crash": false,
      "browser.shell.checkDefaultBrowser": false,
      "browser.startup.homepage_override.mstone": "ignore",
      "datareporting.policy.dataSubmissionEnabled": false,
      "dom.disable_open_during_load": false,
      // A service worker may take as long as the suite does.
      "dom.serviceWorkers.idle_extended_timeout": 600_000,
      "dom.serviceWorkers.idle_timeout": 600_000,
      "network.captive-portal-service.enabled": false,
      "network.connectivity-service.enabled": false,
      "toolkit.startup.max_resumed_crashes": -1,
    };
    const lines = Object.entries(preferences).map(([name, value]) => `user_pref("${name}", ${JSON.stringify(value)});\n`);
    await writeFile(path.join(folder, "user.js"), lines.join(""));
    return context.start("firefox-esr", ["--headless", "--no-remote", "--profile", folder, address]);
  },
};

/** WebKit's own small browser, as Debian has it: Safari's engine. It wants a display, if only one that nobody sees. */
const MINI_BROWSER = "/usr/lib/x86_64-linux-gnu/webkit2gtk-4.1/MiniBrowser";

/** @type {Browser} */
const webkit = {
  packages: ["libwebkit2gtk-4.1-0", "xvfb"],
  opensTabs: false,
  async version(context) {
    return version(context, MINI_BROWSER, { DISPLAY: await display(context) });
  },
  async open(context, address) {
    return context.start(MINI_BROWSER, ["--private", address], { env: { DISPLAY: await display(context) } });
  },
};

/** @type {Record<string, Browser>} */
export const BROWSERS = { chromium, firefox, webkit };

async function version(context, program, env) {
  const [found] = /\d+(\.\d+)+/.exec(await context.run(program, ["--version"], { env })) ?? ["?"];
  return found;
}

/** A folder for what a browser keeps. */
export const newProfile = (context) => mkdtemp(path.join(context.consumer.home, "profile-"));

/** The X server of each cell that has asked for one. */
const displays = new WeakMap();

/** Starts an X server, which picks a number that is free and prints it. */
async function display(context) {
  if (!displays.has(context)) {
    const server = context.start("Xvfb", ["-displayfd", "1", "-screen", "0", "1280x1024x24", "-nolisten", "tcp"]);
    displays.set(context, server.printed(/^\d+$/));
  }
  const [number] = await displays.get(context);
  return `:${number}`;
}
