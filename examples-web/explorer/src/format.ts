const dates = new Intl.DateTimeFormat("en", { dateStyle: "medium", timeStyle: "short", timeZone: "UTC" });
/** The last moment that a `Date` knows, in the year 275760; a node's timestamp may be later. */
const LAST = 8.64e15;
const numbers = new Intl.NumberFormat("en");

/** A moment, in UTC. */
export const date = (timestamp: number, format = dates): string => (timestamp > LAST ? `after ${format.format(LAST)}` : format.format(timestamp));

export const number = (value: number): string => numbers.format(value);

/** A number and what it counts: `1 node`, `2 nodes`. */
export const count = (value: number, what: string, several = `${what}s`): string => `${number(value)} ${value === 1 ? what : several}`;

/** How far something is. */
export const percent = (done: number, total: number | undefined): string => (total ? `${Math.round((100 * done) / total)} %` : number(done));

/** The beginning and the end of a CID or a hash. */
export const short = (text: string): string => (text.length > 18 ? `${text.slice(0, 8)}…${text.slice(-6)}` : text);

export function bytes(value: number): string {
  const units = ["B", "kB", "MB", "GB", "TB"];
  const unit = Math.min(units.length - 1, Math.floor(Math.log10(Math.max(value, 1)) / 3));
  const shown = value / 1000 ** unit;
  return `${shown < 10 && unit > 0 ? shown.toFixed(1) : Math.round(shown)} ${units[unit]}`;
}

/** No more bytes than this are dumped. */
const DUMPED = 1 << 16;

/** Bytes in hexadecimal, 16 to a line, with what is text beside it. */
export function hexDump(data: Uint8Array): string {
  const lines: string[] = [];
  for (let at = 0; at < Math.min(data.length, DUMPED); at += 16) {
    const line = [...data.subarray(at, at + 16)];
    const hex = line.map((byte) => byte.toString(16).padStart(2, "0")).join(" ");
    const text = line.map((byte) => (byte > 31 && byte < 127 ? String.fromCharCode(byte) : "·")).join("");
    lines.push(`${at.toString(16).padStart(4, "0")}  ${hex.padEnd(47)}  ${text}`);
  }
  if (data.length > DUMPED) lines.push(`and ${count(data.length - DUMPED, "byte")} more`);
  return lines.join("\n");
}
