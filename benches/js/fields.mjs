/** What the nodes say that everybody is given. */

/** A node's text: 200 characters. */
export const text = (number) => `${number} `.padEnd(200, "The quick brown fox jumps over the lazy dog. ");

/** A node's fields but for its parents. */
export const fields = (number) => ({
  content: text(number),
  eventType: number > 0 ? "proposal" : "genesis",
  scopeId: "garden-coop",
  timestamp: 1_700_000_000_000 + number,
});
