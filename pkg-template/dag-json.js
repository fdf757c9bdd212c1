import { Decoder } from "./decode.js";
import { compareCodePoints } from "./encode.js";
import { CID_BYTES } from "./id.js";
import { CEILINGS } from "./limits.js";
import { Link } from "./link.js";
import { encodeBase64 } from "./multibase.js";
import { HEAD_BYTES, borrowEncoder, encodeNode, giveBack } from "./record.js";

/**
 * A node as DAG-JSON. It is encoded first, as it would be for a store: so what is no node is refused as it
 * would be there, and what is written is what its block says.
 */
export function toDagJson(node) {
  const encoder = borrowEncoder();
  try {
    encodeNode(encoder, node, CEILINGS);
    const claimed = encoder.bytes[HEAD_BYTES - 1] === 1;
    return stringify(new Decoder(encoder.bytes, claimed ? HEAD_BYTES + CID_BYTES : HEAD_BYTES).value());
  } finally {
    giveBack(encoder);
  }
}

/** Writes a value that was decoded, which is as deep as the ceiling lets it be. */
function stringify(value) {
  switch (typeof value) {
    case "string":
      return JSON.stringify(value);
    case "number":
      return number(value);
    case "object":
      break;
    default:
      return String(value);
  }
  if (value === null) return "null";
  if (value instanceof Link) return `{"/":"${value}"}`;
  if (value instanceof Uint8Array) return `{"/":{"bytes":"${encodeBase64(value)}"}}`;
  if (Array.isArray(value)) return `[${value.map(stringify).join(",")}]`;
  const keys = Object.keys(value).sort(compareCodePoints);
  return `{${keys.map((key) => `${JSON.stringify(key)}:${stringify(value[key])}`).join(",")}}`;
}

/** A float is told from an integer by its point or its exponent. */
function number(value) {
  const text = String(value);
  return Number.isSafeInteger(value) || /[.e]/.test(text) ? text : `${text}.0`;
}
