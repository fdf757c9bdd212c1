import { mkdir } from "node:fs/promises";
import path from "node:path";
import { createInterface } from "node:readline";
import { chromium } from "playwright-core";
import puppeteer from "puppeteer-core";

/** How long a page may take to do or show something: only one that never does takes so long. */
export const LIMIT = 120_000;
const SIZE = { width: 1280, height: 800 };
/** How many lines of what a browser says are kept. */
const LAST = 40;

/** Chromium, driven by Playwright. The tests use what its pages and Puppeteer's have in common. */
export async function startChromium() {
  const server = await chromium.launchServer({
    executablePath: "/usr/bin/chromium",
    host: "127.0.0.1",
    timeout: LIMIT,
    // As in js-tests/runtimes/browser.mjs: whoever runs the tests may be root, and containers have little shared memory.
    args: ["--no-sandbox", "--disable-background-networking", "--disable-component-update", "--disable-dev-shm-usage", "--disable-gpu", "--disable-quic", "--disable-sync"],
  });
  const end = witness("Chromium", server.process());
  const browser = await chromium.connect(server.wsEndpoint());
  return {
    /** A place of its own, with a storage of its own: opens tabs in it. */
    async visitor() {
      const context = await browser.newContext({ viewport: SIZE });
      return {
        open: async (address) => watched(await context.newPage(), address),
        leave: () => context.close(),
      };
    },
    resize: (page, size) => page.setViewportSize(size),
    wheel: (page, by) => page.mouse.wheel(0, by),
    /** How it ended, if it has gone away by itself. */
    gone: async () => (browser.isConnected() ? undefined : end),
    close: () => server.close(),
  };
}

/** Firefox, driven by Puppeteer over WebDriver BiDi. */
export async function startFirefox() {
  const browser = await puppeteer.launch({
    browser: "firefox",
    executablePath: "/usr/bin/firefox-esr",
    defaultViewport: SIZE,
    protocolTimeout: LIMIT,
    timeout: LIMIT,
  });
  const end = witness("Firefox", browser.process());
  return {
    async visitor() {
      const context = await browser.createBrowserContext();
      return {
        open: async (address) => watched(await context.newPage(), address),
        leave: () => context.close(),
      };
    },
    resize: (page, size) => page.setViewport(size),
    wheel: (page, by) => page.mouse.wheel({ deltaY: by }),
    gone: async () => (browser.connected ? undefined : end),
    close: () => browser.close(),
  };
}

/** Tells, once a browser's program has ended, how that was, and what it said last. */
function witness(name, program) {
  const said = [];
  createInterface({ input: program.stderr }).on("line", (line) => {
    said.push(line);
    if (said.length > LAST) said.shift();
  });
  return new Promise((resolve) => {
    program.once("close", (code, signal) => resolve(`${name} went away (${signal ?? `exit code ${code}`}); it said last:\n${said.join("\n")}`));
  });
}

/** A page at an address, and what it throws or writes to its console as an error. */
async function watched(page, address) {
  page.setDefaultTimeout(LIMIT);
  const errors = [];
  page.on("pageerror", (error) => errors.push(String(error)));
  page.on("console", (message) => {
    if (message.type() === "error") errors.push(message.text());
  });
  // Playwright's word for a page whose process died; a browser that goes away is told by `gone`.
  page.on("crash", () => errors.push("the page's process died"));
  await page.goto(address);
  return { page, errors };
}

/** Keeps a picture of a page, for people to look at. */
export async function picture(page, name) {
  const folder = process.env.EXPLORER_PICTURES ?? "pictures";
  await mkdir(folder, { recursive: true });
  await page.screenshot({ path: path.join(folder, `${name}.png`) });
}
