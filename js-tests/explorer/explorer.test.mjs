/** The explorer, used in real browsers as a visitor would; pictures are kept. */
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { mkdtempSync, rmSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import os from "node:os";
import path from "node:path";
import { after, before, describe, test } from "node:test";
import { setTimeout } from "node:timers/promises";
import { serve } from "../runtimes/server.mjs";
import { LIMIT, picture, startChromium, startFirefox } from "./browsers.mjs";
import { build, check } from "./build.mjs";

const REPOSITORY = process.env.EXPLORER_REPOSITORY ?? process.cwd();
const AXE = createRequire(import.meta.url).resolve("axe-core/axe.min.js");

const elsewhere = mkdtempSync(path.join(os.tmpdir(), "no-repository-"));
let site;
let siteWithoutHistory;

before(async () => {
  await check();
  site = await serve(await build("with-history", REPOSITORY));
  siteWithoutHistory = await serve(await build("without-history", elsewhere));
});

after(() => {
  rmSync(elsewhere, { recursive: true });
  site?.close();
  siteWithoutHistory?.close();
  assert.deepEqual(site?.missing, []);
});

describe("Chromium", () => everything("chromium", startChromium));
describe("Firefox", () => everything("firefox", startFirefox));

function everything(name, start) {
  let browser;
  after(() => browser?.close());

  /** A test with a visitor of its own. Whatever goes wrong in a page fails it. */
  const visit = (what, steps) =>
    test(what, { timeout: 5 * LIMIT }, async () => {
      const tabs = [];
      try {
        browser ??= await start();
        const visitor = await browser.visitor();
        await steps(async (data, nodes, origin = site.origin) => {
          const tab = await visitor.open(`${origin}/?data=${data}`);
          tabs.push(tab);
          await until(tab.page, (nodes) => {
            const drawn = document.querySelector("#graph").dataset.drawn;
            return document.querySelector(".tabs button") && (nodes === undefined ? Number(drawn) > 0 : drawn === String(nodes));
          }, nodes);
          return tab.page;
        });
        assert.deepEqual(tabs.flatMap(({ errors }) => errors), []);
        await visitor.leave();
      } catch (error) {
        const why = [await browser?.gone(), ...tabs.flatMap(({ errors }) => errors)].filter(Boolean);
        // The next test has a browser that knows nothing of this one.
        await browser?.close().catch(() => {});
        browser = undefined;
        throw why.length > 0 ? new Error(`${error.message}\n${why.join("\n")}`, { cause: error }) : error;
      }
    });
  const keep = (page, what) => picture(page, `${name}-${what}`);

  visit("opens on the history of this repository", async (open) => {
    const commits = Number(execFileSync("git", ["rev-list", "--count", "HEAD"], { cwd: REPOSITORY, encoding: "utf8" }));
    const page = await open("repository");
    await until(page, (commits) => {
      const counts = ["genesis", "commit", "merge"].map((type) => document.querySelector(`[data-type="${type}"] .quiet`)?.textContent ?? "0");
      return counts.reduce((sum, count) => sum + Number(count.replace(/\D/g, "")), 0) === commits;
    }, Math.min(commits, 5_000));
    assert.match(await text(page, "#scope-filter"), /history/);
    await keep(page, "repository-light");
    await page.click("#theme");
    await keep(page, "repository-dark");
    await page.click("#spacing");
    await keep(page, "repository-by-time");
  });

  visit("says where it was built without a history, and shows a sample", async (open) => {
    const page = await open("repository", 400, siteWithoutHistory.origin);
    assert.match(await text(page, "#notice"), /no git history \(fatal: not a git repository/);
    assert.match(await text(page, "#summary"), /^400 nodes/);
    await keep(page, "no-history");
  });

  visit("shows a node's fields, CID, bytes and DAG-JSON", async (open) => {
    const page = await open("sample-100", 100);
    await page.focus("#graph");
    await page.keyboard.press("End");
    const cid = await shown(page, "#panel-node code");
    const json = JSON.parse(await text(page, "#panel-node pre.wrapped"));
    assert.equal(typeof json.content.title, "string");
    assert.match(await text(page, "#panel-node dl"), new RegExp(json.scope_id));
    await page.click("#panel-node details:last-of-type summary");
    const dump = await text(page, "#panel-node details:last-of-type pre");
    const bytes = Buffer.from(dump.split("\n").map((line) => line.slice(6, 53).replaceAll(" ", "")).join(""), "hex");
    assert.equal(cid, cidOf(bytes), "the bytes hash to the CID");
    assert.match(await text(page, "#announcer"), /^\w+ in [\w-]+: /);
    await keep(page, "node");
  });

  visit("is moved by dragging, and selects what is clicked", async (open) => {
    const page = await open("sample-100", 100);
    await page.focus("#graph");
    await page.keyboard.press("Home");
    const cid = await shown(page, "#panel-node code");
    await page.keyboard.press("Escape");
    await until(page, () => !document.querySelector("#panel-node code"));
    // The first node is where the first scope begins, at the left.
    const at = await page.evaluate(() => {
      const { left, top } = document.querySelector("#graph").getBoundingClientRect();
      return { x: left + 28, y: top + 26 + 18 };
    });
    await page.mouse.click(at.x, at.y);
    assert.equal(await shown(page, "#panel-node code"), cid);
    await page.keyboard.press("Escape");
    await until(page, () => !document.querySelector("#panel-node code"));
    await page.mouse.move(at.x + 200, at.y);
    await page.mouse.down();
    await page.mouse.move(at.x + 230, at.y);
    await page.mouse.move(at.x + 260, at.y);
    await page.mouse.up();
    assert.equal(await page.evaluate(() => document.querySelector("#panel-node code")), null, "dragging chooses nothing");
    await page.mouse.click(at.x + 60, at.y);
    assert.equal(await shown(page, "#panel-node code"), cid);
  });

  visit("searches and filters", async (open) => {
    const page = await open("sample-100", 100);
    await write(page, "#search input", "the ballot");
    await until(page, () => document.querySelectorAll(".found").length > 0);
    const found = await page.evaluate(() => [...document.querySelectorAll(".found span:nth-child(2)")].map(({ textContent }) => textContent));
    assert.ok(found.every((title) => title === "The ballot is closed"), found.join());
    await keep(page, "search");
    await page.click(".found");
    assert.equal(await shown(page, "#panel-node h2"), "The ballot is closed");

    await write(page, "#search input", "");
    await page.click('[data-type="vote"]');
    await page.click("#tab-search");
    const votes = Number((await text(page, '[data-type="vote"] .quiet')).trim());
    await until(page, (rest) => document.querySelector("#panel-search [role=status]")?.textContent.startsWith(`${rest} nodes found`), 100 - votes);
    await page.evaluate(() => {
      const scopes = document.querySelector("#scope-filter");
      scopes.value = scopes.options[1].value;
      scopes.dispatchEvent(new Event("change"));
    });
    await until(page, () => {
      const found = [...document.querySelectorAll(".found .small")].map(({ textContent }) => textContent);
      return found.length > 0 && found.every((of) => of.endsWith(`, ${document.querySelector("#scope-filter").value}`) && !of.startsWith("vote"));
    });
  });

  visit("highlights ancestors, descendants and merge bases", async (open) => {
    const page = await open("sample-100", 100);
    await page.focus("#graph");
    await page.keyboard.press("Home");
    await shown(page, "#panel-node code");
    await page.click("#ancestors");
    await until(page, () => document.querySelector("#summary").textContent === "0 ancestors");
    await page.click("#descendants");
    await until(page, () => /^[1-9]\d* descendants$/.test(document.querySelector("#summary").textContent));
    await keep(page, "descendants");

    // What has many parents is a ballot's end; its first vote and a later one come from one proposal.
    await write(page, "#search input", "ballot is closed");
    await until(page, () => document.querySelectorAll(".found").length > 0);
    await page.click(".found");
    await until(page, () => document.querySelectorAll("#panel-node .links button").length > 2);
    await page.focus("#graph");
    await page.keyboard.press("ArrowLeft");
    for (let tries = 0; ; tries++) {
      assert.ok(tries < 30, "no node has anything in common with a vote");
      await page.evaluate(() => document.querySelector("#merge-bases")?.setAttribute("data-of", "another"));
      await page.keyboard.down("Shift");
      await page.keyboard.press("ArrowDown");
      await page.keyboard.up("Shift");
      await until(page, () => document.querySelector("#merge-bases:not([data-of])") !== null);
      await page.click("#merge-bases");
      await until(page, () => document.querySelector("#merge-bases-found")?.textContent);
      if ((await text(page, "#merge-bases-found")).startsWith("Both come from")) break;
      await page.focus("#graph");
    }
    assert.match(await text(page, "#summary"), /^1 merge base,/);
    await keep(page, "merge-bases");
  });

  visit("stages ghosts, which vanish on rollback and are nodes after a commit", async (open) => {
    const page = await open("sample-100", 100);
    const stage = async (count) => {
      for (let staged = 1; staged <= count; staged++) {
        await write(page, "#stage [name=text]", `yes, ${staged}`);
        await page.click("#stage button");
        await until(page, (staged) => document.querySelectorAll("#staged li").length === staged, staged);
      }
    };
    await page.click("#tab-batch");
    await stage(3);
    assert.match(await text(page, "#summary"), /^100 nodes/);
    await keep(page, "ghosts");
    await page.click("#roll-back");
    await until(page, () => document.querySelectorAll("#staged li").length === 0);
    assert.match(await text(page, "#summary"), /^100 nodes/);

    await stage(2);
    await page.click("#commit");
    await until(page, () => document.querySelector("#graph").dataset.drawn === "102");
    assert.match(await text(page, "#batch-status"), /^Commit 21: 2 nodes/);
    assert.equal(await page.evaluate(() => document.querySelectorAll("#staged li").length), 0);
  });

  visit("replays the commits, with the state hash at each", async (open) => {
    const page = await open("sample-100", 100);
    const go = async (step) => {
      await page.evaluate((step) => {
        const slider = document.querySelector("#replay-slider");
        slider.value = String(step);
        slider.dispatchEvent(new Event("input"));
      }, step);
      await until(page, (step) => document.querySelector("#replay-where").textContent === `Commit ${step} of 20`, step);
      return shown(page, "#replay-hash code");
    };
    const hashes = [];
    for (const step of [0, 1, 7, 20]) hashes.push(await go(step));
    assert.equal(new Set(hashes).size, 4);
    await page.click("#tab-store");
    await until(page, (hash) => document.querySelector("#store-facts code")?.textContent === hash, hashes.at(-1));

    await go(7);
    await until(page, () => document.querySelector("#graph").dataset.drawn === "35");
    assert.match(await text(page, "#summary"), /^35 nodes/);
    await keep(page, "replay");
    await page.focus("#replay-slider");
    await page.keyboard.press("ArrowRight");
    await until(page, () => document.querySelector("#graph").dataset.drawn === "40");
    await page.click("#live");
    await until(page, () => document.querySelector("#graph").dataset.drawn === "100");
  });

  visit("proves that these are all the votes, and fails where one is left out", async (open) => {
    const page = await open("sample-100", 100);
    await page.click("#tab-proof");
    assert.equal(await page.evaluate(() => document.querySelector("#prove [name=type]").value), "vote");
    await page.click("#prove button");
    const holds = await shown(page, "#proof-result .holds");
    const votes = Number(/^Holds\. These are all: (\d+) vote nodes of garden-coop\.$/.exec(holds)?.[1]);
    assert.ok(votes > 10, holds);
    await keep(page, "proof");
    await page.click("#leave-out");
    await until(page, () => document.querySelectorAll("#proof-result .fails").length === 2);
    const fails = await page.evaluate(() => [...document.querySelectorAll("#proof-result .fails")].map(({ textContent }) => textContent));
    assert.match(fails[0], new RegExp(`^Fails\\. Told of ${votes - 1}, but ${votes} are proved\\. Missing: baf`));
    assert.match(fails[1], /^Fails\. .*ERR_OTHER_STATE/);
    await page.evaluate(() => document.querySelector("#proof-result").lastElementChild.scrollIntoView());
    await keep(page, "proof-fails");
  });

  visit("exports a CAR file, and imports what is dropped", async (open) => {
    const page = await open("sample-100", 100);
    await page.click("#tab-store");
    const stateHash = await shown(page, "#store-facts code");
    await page.click("#export");
    await shown(page, "#car-link");
    const car = await page.evaluate(async () => [...new Uint8Array(await (await fetch(document.querySelector("#car-link").href)).arrayBuffer())]);

    const other = await open("empty", 0);
    await other.click("#tab-store");
    const drop = (bytes) =>
      other.evaluate((bytes) => {
        const dataTransfer = new DataTransfer();
        dataTransfer.items.add(new File([new Uint8Array(bytes)], "all.car"));
        dispatchEvent(new DragEvent("dragover", { dataTransfer, cancelable: true }));
        if (document.querySelector("#drop-hint").hidden) throw new Error("nothing says that it may be dropped");
        dispatchEvent(new DragEvent("drop", { dataTransfer, cancelable: true }));
      }, bytes);
    await drop(car.slice(0, -10));
    assert.match(await shown(other, "#alert"), /^ERR_/);
    await drop(car);
    await until(other, (hash) => document.querySelector("#store-facts code")?.textContent === hash, stateHash);
    assert.match(await text(other, "#store-status"), /^all\.car: 100 new nodes, \d+ roots?\.$/);
    assert.match(await text(other, "#summary"), /^100 nodes/);
    assert.equal(await other.evaluate(() => document.querySelector("#alert").hidden), true);
    await keep(other, "imported");
  });

  visit("keeps two tabs in step, and everything over a reload", async (open) => {
    const one = await open("sample-100", 100);
    const other = await open("sample-100", 100);
    await one.click("#tab-batch");
    await one.click("#stage button");
    await until(one, () => document.querySelectorAll("#staged li").length === 1);
    await one.click("#commit");
    for (const tab of [one, other]) await until(tab, () => document.querySelector("#graph").dataset.drawn === "101");
    await other.reload();
    await until(other, () => document.querySelector("#graph").dataset.drawn === "101");
  });

  visit("tells what is kept, how much and whether for good, and begins anew in every tab", async (open) => {
    const page = await open("sample-100", 100);
    await page.click("#tab-store");
    await shown(page, "#store-facts code");
    const told = await text(page, "#store-facts");
    assert.match(told, /IndexedDB/);
    assert.match(told, /Durabilitystrict/);
    assert.match(told, /Used\d+(\.\d)? .?B of \d+(\.\d)? .?B/);
    assert.match(told, /Persisted(yes|no)/);
    await keep(page, "store");
    const other = await open("sample-100", 100);
    await other.evaluate(() => (document.body.dataset.seen = "before"));
    page.on("dialog", (dialog) => dialog.accept());
    await page.bringToFront();
    await page.click("#start-over");
    await until(page, () => document.querySelector("#graph").dataset.drawn === "100" && !document.querySelector("#store-facts code")?.offsetParent);
    await until(other, () => document.body.dataset.seen === undefined && document.querySelector("#graph").dataset.drawn === "100");
  });

  visit("shows 100,000 nodes, and any of them near by", async (open) => {
    const page = await open("sample-100000", 100_000);
    assert.equal(await page.evaluate(() => document.querySelector("#graph").dataset.detail), "bars");
    assert.match(await text(page, "#summary"), /^100,000 nodes/);
    await keep(page, "100000");
    const { x, y } = await page.evaluate(() => document.querySelector("#graph").getBoundingClientRect().toJSON());
    await page.mouse.move(x + 200, y + 100);
    for (let turns = 0; (await page.evaluate(() => document.querySelector("#graph").dataset.detail)) === "bars"; turns++) {
      assert.ok(turns < 30, "the wheel does not zoom");
      await browser.wheel(page, -500);
      await page.evaluate(() => new Promise((resolve) => requestAnimationFrame(() => requestAnimationFrame(resolve))));
    }
    await page.click("#fit");
    await until(page, () => document.querySelector("#graph").dataset.detail === "bars");
    await page.focus("#graph");
    await page.keyboard.press("End");
    await shown(page, "#panel-node code");
    await until(page, () => document.querySelector("#graph").dataset.detail === "nodes");
    await page.click("#ancestors");
    await until(page, () => /^[1-9][\d,]* ancestors$/.test(document.querySelector("#summary").textContent));
    await keep(page, "100000-near");
    await page.click("#fit");
    await until(page, () => document.querySelector("#graph").dataset.detail === "bars");
    await keep(page, "100000-ancestors");
  });

  visit("can be used by everybody, in light, in dark and on a phone", async (open) => {
    const page = await open("sample-100", 100);
    await page.evaluate(await readFile(AXE, "utf8"));
    await page.focus("#graph");
    await page.keyboard.press("End");
    await shown(page, "#panel-node code");
    for (const [size, scheme] of [["wide", "light"], ["wide", "dark"], ["phone", "dark"], ["phone", "light"]]) {
      await browser.resize(page, size === "phone" ? { width: 390, height: 844 } : { width: 1280, height: 800 });
      const theme = await page.evaluate(() => document.documentElement.dataset.theme);
      if (theme !== scheme) await page.click("#theme");
      for (const tab of ["node", "search", "batch", "proof", "store"]) {
        await page.click(`#tab-${tab}`);
        const found = await page.evaluate(async () => (await axe.run()).violations.map(({ id, nodes }) => `${id}: ${nodes[0].html}`));
        assert.deepEqual(found, [], `${size}, ${scheme}, ${tab}`);
      }
      const overflow = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
      assert.ok(overflow <= 0, `${size}: ${overflow} pixels too wide`);
      await page.click("#tab-node");
      await keep(page, `${size}-${scheme}`);
    }
  });
}

/** Waits until something is true in a page. */
async function until(page, condition, ...args) {
  const end = Date.now() + LIMIT;
  for (;;) {
    // A page answers no question while it is loaded anew.
    let error;
    if (await page.evaluate(condition, ...args).catch((thrown) => void (error = thrown))) return;
    if (page.isClosed() || Date.now() > end) {
      const said = await text(page, "body").catch(String);
      throw new Error(`never became true: ${condition}, ${JSON.stringify(args)}; the page says: ${said}`, { cause: error });
    }
    await setTimeout(20);
  }
}

/** Writes a text into a field, in place of what is there: as typing does, but in one step, since each key takes Firefox long. */
const write = (page, selector, text) =>
  page.evaluate(
    ([selector, text]) => {
      const field = document.querySelector(selector);
      field.focus();
      field.select();
      document.execCommand(text === "" ? "delete" : "insertText", false, text);
    },
    [selector, text],
  );

/** The text of an element, once it is there and has some. */
async function shown(page, selector) {
  await until(page, (selector) => document.querySelector(selector)?.textContent, selector);
  return text(page, selector);
}

const text = (page, selector) => page.evaluate((selector) => document.querySelector(selector).textContent, selector);

/** The CID of a block: version 1, DAG-CBOR, SHA-256, in base32. */
function cidOf(block) {
  const bytes = Buffer.concat([Buffer.from([1, 0x71, 0x12, 0x20]), createHash("sha256").update(block).digest()]);
  const bits = [...bytes].map((byte) => byte.toString(2).padStart(8, "0")).join("");
  const digits = bits.match(/.{1,5}/g).map((five) => "abcdefghijklmnopqrstuvwxyz234567"[parseInt(five.padEnd(5, "0"), 2)]);
  return `b${digits.join("")}`;
}
