/**
 * Multibase text: a prefix that names the alphabet, then digits. Ids come in base32 nearly always, and
 * id.js reads that itself; this is for all the others.
 */

const lower = "abcdefghijklmnopqrstuvwxyz";
const upper = lower.toUpperCase();
const digits = "0123456789";
const emoji =
  "🚀🪐☄🛰🌌🌑🌒🌓🌔🌕🌖🌗🌘🌍🌏🌎🐉☀💻🖥💾💿😂❤😍🤣😊🙏💕😭😘👍" +
  "😅👏😁🔥🥰💔💖💙😢🤔😆🙄💪😉☺👌🤗💜😔😎😇🌹🤦🎉💞✌✨🤷😱😌🌸🙌" +
  "😋💗💚😏💛🙂💓🤩😄😀🖤😃💯🙈👇🎶😒🤭❣😜💋👀😪😑💥🙋😞😩😡🤪👊🥳" +
  "😥🤤👉💃😳✋😚😝😴🌟😬🙃🍀🌷😻😓⭐✅🥺🌈😈🤘💦✔😣🏃💐☹🎊💘😠☝" +
  "😕🌺🎂🌻😐🖕💝🙊😹🗣💫💀👑🎵🤞😛🔴😤🌼😫⚽🤙☕🏆🤫👈😮🙆🍻🍃🐶💁" +
  "😲🌿🧡🎁⚡🌞🎈❌✊👋😰🤨😶🤝🚶💰🍓💢🤟🙁🚨💨🤬✈🎀🍺🤓😙💟🌱😖👶" +
  "🥴▶➡❓💎💸⬇😨🌚🦋😷🕺⚠🙅😟😵👎🤲🤠🤧📌🔵💅🧐🐾🍒😗🤑🌊🤯🐷☎" +
  "💧😯💆👆🎤🙇🍑❄🌴💣🐸💌📍🥀🤢👅💡💩👐📸👻🤐🤮🎼🥵🚩🍎🍊👼💍📣🥂";

/** The base of CIDv0 text, which has no prefix. */
const BASE58 = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz";

/** How the digits make bytes: each is so many bits, or all are one large number, or RFC 9285. */
const bits = (alphabet, pad) => ({ alphabet, pad, read: readBits });
const number = (alphabet) => ({ alphabet, read: readNumber });
const triples = (alphabet) => ({ alphabet, read: readTriples });

const BASES = {
  0: bits("01"),
  7: bits("01234567"),
  9: number(digits),
  f: bits(digits + "abcdef"),
  F: bits(digits + "ABCDEF"),
  b: bits(lower + "234567"),
  B: bits(upper + "234567"),
  c: bits(lower + "234567", 8),
  C: bits(upper + "234567", 8),
  v: bits(digits + "abcdefghijklmnopqrstuv"),
  V: bits(digits + "ABCDEFGHIJKLMNOPQRSTUV"),
  t: bits(digits + "abcdefghijklmnopqrstuv", 8),
  T: bits(digits + "ABCDEFGHIJKLMNOPQRSTUV", 8),
  h: bits("ybndrfg8ejkmcpqxot1uwisza345h769"),
  k: number(digits + lower),
  K: number(digits + upper),
  R: triples(digits + upper + " $%*+-./:"),
  z: number(BASE58),
  Z: number("123456789abcdefghijkmnopqrstuvwxyzABCDEFGHJKLMNPQRSTUVWXYZ"),
  m: bits(upper + lower + digits + "+/"),
  M: bits(upper + lower + digits + "+/", 4),
  u: bits(upper + lower + digits + "-_"),
  U: bits(upper + lower + digits + "-_", 4),
  "\u{1F680}": bits(emoji),
};

/**
 * The bytes that a multibase text stands for, or `undefined` where it is none.
 *
 * @param {string} text
 * @returns {Uint8Array | undefined}
 */
export function decodeMultibase(text) {
  const [prefix, ...rest] = text;
  if (!Object.hasOwn(BASES, prefix)) return undefined;
  const { alphabet, pad, read } = BASES[prefix];
  if (pad !== undefined) {
    if (rest.length % pad !== 0) return undefined;
    while (rest.at(-1) === "=") rest.pop();
  }
  const symbols = [...alphabet];
  const values = rest.map((symbol) => symbols.indexOf(symbol));
  return values.includes(-1) ? undefined : read(values, symbols.length);
}

/** Reads text without a prefix, as CIDv0 has it. */
export function decodeBase58(text) {
  const values = Array.from(text, (symbol) => BASE58.indexOf(symbol));
  return values.includes(-1) ? undefined : readNumber(values, 58);
}

/** Writes text without a prefix, as CIDv0 has it. */
export function encodeBase58(bytes) {
  const values = rebase(bytes, 256, 58);
  return values.map((value) => BASE58[value]).join("");
}

/** Writes lower-case base32 with its prefix, as CIDv1 has it. */
export function encodeBase32(bytes) {
  return `b${writeBits(bytes, BASES.b.alphabet, 5)}`;
}

/** Writes base64 without prefix or padding, as DAG-JSON has it. */
export function encodeBase64(bytes) {
  return writeBits(bytes, BASES.m.alphabet, 6);
}

function writeBits(bytes, alphabet, size) {
  let text = "";
  let pending = 0;
  let width = 0;
  for (const byte of bytes) {
    pending = (pending << 8) | byte;
    for (width += 8; width >= size; width -= size) text += alphabet[(pending >> (width - size)) & (2 ** size - 1)];
    pending &= (1 << width) - 1;
  }
  return width === 0 ? text : text + alphabet[(pending << (size - width)) & (2 ** size - 1)];
}

function readBits(values, base) {
  const size = Math.log2(base);
  const bytes = new Uint8Array(Math.floor((values.length * size) / 8));
  let pending = 0;
  let width = 0;
  let at = 0;
  for (const value of values) {
    pending = (pending << size) | value;
    width += size;
    if (width >= 8) {
      width -= 8;
      bytes[at++] = pending >> width;
      pending &= (1 << width) - 1;
    }
  }
  // What is left over must be less than a digit, and zero: one text for the same bytes.
  return width < size && pending === 0 ? bytes : undefined;
}

function readNumber(values, base) {
  return Uint8Array.from(rebase(values, base, 256));
}

/** Writes a number with other digits, most significant first. Leading zeros stay, one for one. */
function rebase(values, from, to) {
  const zeros = values.findIndex((value) => value !== 0);
  const out = [];
  for (const value of zeros < 0 ? [] : values.slice(zeros)) {
    let carry = value;
    for (let i = 0; i < out.length; i++) {
      carry += out[i] * from;
      out[i] = carry % to;
      carry = Math.floor(carry / to);
    }
    for (; carry > 0; carry = Math.floor(carry / to)) out.push(carry % to);
  }
  const leading = new Array(zeros < 0 ? values.length : zeros).fill(0);
  return leading.concat(out.reverse());
}

/** RFC 9285: three digits make two bytes, and at the end two digits may make one. */
function readTriples(values, base) {
  const bytes = [];
  for (let i = 0; i < values.length; i += 3) {
    const [low, middle, high] = values.slice(i, i + 3);
    if (middle === undefined) return undefined;
    const value = low + middle * base + (high ?? 0) * base * base;
    if (value > (high === undefined ? 0xff : 0xffff)) return undefined;
    if (high === undefined) bytes.push(value);
    else bytes.push(value >> 8, value & 0xff);
  }
  return Uint8Array.from(bytes);
}
