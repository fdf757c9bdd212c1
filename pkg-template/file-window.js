import { HEAD_BYTES, MARKER_BYTES, crc32, readHead } from "./file-format.js";

/** Bytes that are read at once, at least. */
const SPAN = 1 << 20;

/** Reads a file up to some length, in large pieces and mostly forward. */
export class Window {
  #handle;
  #length;
  #start = 0;
  #bytes = Buffer.alloc(0);

  constructor(handle, length) {
    this.#handle = handle;
    this.#length = length;
  }

  /** A whole record, not copied; `undefined` where there is none, or a damaged one. */
  async record(at, marker) {
    const head = readHead(await this.get(at, HEAD_BYTES), marker);
    const body = head && (await this.get(at + HEAD_BYTES, head.length));
    return body && crc32(body) === head.check ? { head, body } : undefined;
  }

  /** Where a marker stands next. */
  async find(at, marker) {
    while (at + MARKER_BYTES <= this.#length) {
      const span = Math.min(SPAN, this.#length - at);
      const place = (await this.get(at, span))?.indexOf(marker);
      if (place === undefined) return undefined;
      if (place >= 0) return at + place;
      at += span - MARKER_BYTES + 1;
    }
    return undefined;
  }

  /** So many bytes, not copied; `undefined` where there are not so many. */
  async get(at, length) {
    // What is not in the file is asked for on the word of a damaged length alone.
    if (at + length > this.#length) return undefined;
    if (at < this.#start || at + length > this.#start + this.#bytes.length) {
      const span = Math.max(length, Math.min(SPAN, this.#length - at));
      this.#bytes = await readAt(this.#handle, at, span);
      this.#start = at;
    }
    const bytes = this.#bytes.subarray(at - this.#start, at - this.#start + length);
    // Fewer only if somebody has cut the file meanwhile.
    return bytes.length === length ? bytes : undefined;
  }
}

/** Reads so many bytes, or all there are. */
export async function readAt(handle, at, length) {
  const bytes = Buffer.allocUnsafeSlow(length);
  let read = 0;
  while (read < length) {
    const { bytesRead } = await handle.read(bytes, read, length - read, at + read);
    if (bytesRead === 0) break;
    read += bytesRead;
  }
  return bytes.subarray(0, read);
}

/** Writes all of these bytes. */
export async function writeAt(handle, at, bytes) {
  let written = 0;
  while (written < bytes.length) {
    const { bytesWritten } = await handle.write(bytes, written, bytes.length - written, at + written);
    written += bytesWritten;
  }
}
