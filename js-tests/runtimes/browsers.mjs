/** Real browsers, with the package as a plain static server serves it: no bundler. */
import { BROWSERS } from "./browser.mjs";
import { openPage, runPage } from "./page.mjs";

const WEB = "/js-tests/runtimes/guest/web";
const POLICY = "default-src 'none'; connect-src 'self'; script-src 'self'";

/** Where a page can run code, and the page that does. */
const PLACES = {
  window: `${WEB}/index.html`,
  worker: `${WEB}/start.html?in=worker`,
  "shared-worker": `${WEB}/start.html?in=shared-worker`,
  "service-worker": `${WEB}/start.html?in=service-worker`,
};

const inBrowsers = Object.entries(BROWSERS).flatMap(([name, browser]) => [
  ...Object.entries(PLACES).map(([place, page]) =>
    cell(name, place, browser, async (context) => {
      const server = await context.serve(context.consumer.folder);
      await runPage(context, browser, server, page);
      context.check("no request is answered with 404", server.missing.length > 0 ? server.missing.join(", ") : undefined);
    }),
  ),
  cell(name, "strict", browser, (context) => runStrict(context, browser)),
]);

/** Only Chromium tells a page how long its tasks were. */
const responsive = { ...cell("chromium", "responsive", BROWSERS.chromium, checkResponsive), suite: false };

export const browsers = [...inBrowsers, responsive];

function cell(project, place, browser, run) {
  return { name: `${project}-${place}`, project, packages: browser.packages, version: browser.version, run };
}

/** Whether a page stays responsive while it imports much. */
async function checkResponsive(context) {
  const server = await context.serve(context.consumer.folder);
  const { error, seen, tries, steps, size, milliseconds, givenUp } = await openPage(context, BROWSERS.chromium, server, `${WEB}/responsive.html`);
  const check = (name, isTrue, found) => context.check(name, isTrue ? undefined : (error ?? JSON.stringify(found)));
  check("a long task is seen", seen?.some((milliseconds) => milliseconds >= 100), seen);
  // Where the machine is so busy that short tasks look long too, that says nothing of the import.
  const telling = tries?.filter(({ control }) => control.length === 0);
  const isShort = tries?.at(-1).long.length === 0 || telling?.length < tries?.length / 2;
  check("no task of an import takes over 50 ms", isShort, tries);
  check("an import tells how far it is", steps?.length > 10 && steps.every((done, i) => i === 0 || done >= steps[i - 1]), steps);
  check("an import is done", size === 100_001, size);
  check("an import that is given up leaves nothing", givenUp?.code === "ERR_ABORTED" && givenUp.cause === "enough" && givenUp.leftNothing, givenUp);
  context.note(`100,000 nodes imported in ${milliseconds} ms; long tasks: ${tries?.at(-1).long.length}, at try ${tries?.length}`);
}

/** Under a content-security-policy: with the one word that WebAssembly needs, and without it. */
async function runStrict(context, browser) {
  const folder = context.consumer.folder;
  // Isolated, besides: that page has shared memory, which the others haven't.
  const isolation = { "cross-origin-opener-policy": "same-origin", "cross-origin-embedder-policy": "require-corp" };
  const policy = (text) => ({ headers: { "content-security-policy": text, ...isolation } });

  const refusing = await context.serve(folder, policy(POLICY));
  const said = await openPage(context, browser, refusing, `${WEB}/refused.html`);
  const isClear = said.startsWith("ERR_STORAGE: ") && said.includes("'wasm-unsafe-eval'");
  context.check("the error names 'wasm-unsafe-eval'", isClear ? undefined : said);

  const allowing = await context.serve(folder, policy(`${POLICY} 'wasm-unsafe-eval'`));
  await runPage(context, browser, allowing, `${WEB}/strict.html`);
}
