/**
 * How figures are taken. Whoever is compared takes turns in one process, a chunk of some milliseconds each, so that whatever
 * else the machine does falls on all alike; the first quarter is dropped, and medians are told.
 *
 * A program is started as `node program.mjs [--quick] [ROW…]`, and prints a line of JSON for each row that it measured. A page
 * has the same words in its address, and hands the lines to `printed`.
 */
const { process } = globalThis;
const words = process ? process.argv.slice(2) : new URLSearchParams(location.search).getAll("word");

const now = process ? () => Number(process.hrtime.bigint()) : () => performance.now() * 1e6;
const print = (line) => (globalThis.printed ?? console.log)(line);

/** Whether this run only shows that the program works; its figures mean nothing. */
export const quick = words.includes("--quick");

const asked = new Set(words.filter((word) => !word.startsWith("--")));

/** Whether a row is asked for; every one is where none is named. */
export const wants = (row) => asked.size === 0 || asked.has(row);

/** So many, or few in a quick run. */
export const many = (count, few) => (quick ? few : count);

export function median(list) {
  const sorted = list.toSorted((a, b) => a - b);
  return sorted[sorted.length >> 1];
}

/** What is left after the first quarter, in which code gets warm. */
const settled = (list) => list.slice(list.length >> 2);

/** Nanoseconds that this takes, with its Promise if it gives one. */
export async function nanoseconds(run) {
  const start = now();
  const made = run();
  if (made instanceof Promise) await made;
  return now() - start;
}

/**
 * Runs all sides in turn, so many rounds; a side is called with the number of the round, and does `count` things. Gives, for
 * each side, the median of nanoseconds for each thing. Who begins changes from round to round.
 */
export async function inTurns(rounds, count, sides) {
  const names = Object.keys(sides);
  const times = Object.fromEntries(names.map((name) => [name, []]));
  for (let round = 0; round < rounds; round++) {
    for (let turn = 0; turn < names.length; turn++) {
      const name = names[(round + turn) % names.length];
      times[name].push((await nanoseconds(() => sides[name](round))) / count);
    }
  }
  return Object.fromEntries(names.map((name) => [name, median(settled(times[name]))]));
}

/** The same figures in another unit. */
export const scaled = (figures, factor) => Object.fromEntries(Object.entries(figures).map(([name, it]) => [name, it * factor]));

/** Nanoseconds for each as microseconds. */
export const microseconds = (figures) => scaled(figures, 1e-3);

/** Nanoseconds for each as so many a second. */
export const perSecond = (figures) => Object.fromEntries(Object.entries(figures).map(([name, it]) => [name, 1e9 / it]));

/** Tells a row's figures, by who they are of; `rounds` is how often each side had its turn. */
export function report(row, figures, rounds) {
  const rounded = Object.fromEntries(Object.entries(figures).map(([name, it]) => [name, Number(it.toPrecision(4))]));
  print(JSON.stringify({ row, figures: rounded, rounds }));
}

/** Fails where two sides did not do the same. */
export function same(one, other, what) {
  if (one !== other) throw new Error(`${what}: ${one} is not ${other}`);
}
