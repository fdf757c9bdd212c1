/** Runs the suite where there is no test runner: with standard globals alone. */
import { suite } from "./index.mjs";

/** How long a case may take, in milliseconds, unless it says otherwise: only what hangs takes so long, even where many share a processor. */
const LONGEST_MS = 120_000;

/**
 * Runs the cases one after another, and tells `report` of each.
 *
 * @param {object} api the package's exports, and what else the cases take
 * @param {(result: { name: string, outcome: "passed" | "failed" | "not here", detail?: string, ms: number }) => void} [report]
 * @param {{ only?: RegExp, cases?: typeof suite }} [which] which cases, by their names; and another suite
 */
export async function runSuite(api, report = () => {}, { only = /(?:)/, cases = suite } = {}) {
  const begun = Date.now();
  const totals = { passed: 0, failed: [], notHere: [], seconds: 0 };
  for (const { name, run, longest = LONGEST_MS } of cases.filter((each) => only.test(each.name))) {
    const start = Date.now();
    const result = await outcome(run, api, longest);
    if (result.outcome === "passed") totals.passed++;
    else if (result.outcome === "failed") totals.failed.push({ name, error: result.detail });
    else totals.notHere.push({ name, reason: result.detail });
    await report({ name, ...result, ms: Date.now() - start });
    // Lets the runtime do what else it has to do.
    await new Promise((resolve) => setTimeout(resolve));
  }
  totals.seconds = (Date.now() - begun) / 1000;
  return totals;
}

async function outcome(run, api, longest) {
  let timer;
  const late = new Promise((_, reject) => {
    timer = setTimeout(() => reject(new Error(`not done after ${longest / 1000} s`)), longest);
  });
  try {
    await Promise.race([run(api), late]);
    return { outcome: "passed" };
  } catch (error) {
    if (error?.name === "NotHere") return { outcome: "not here", detail: error.message };
    return { outcome: "failed", detail: String(error?.stack ?? error) };
  } finally {
    clearTimeout(timer);
  }
}
