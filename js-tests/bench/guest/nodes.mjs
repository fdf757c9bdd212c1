/** The nodes that everything here writes: some 350 bytes each, with 200 characters of content and one parent. */

/** What all the others follow from. */
export const root = { content: "root", eventType: "genesis", scopeId: "bench", timestamp: 0 };

/** So many nodes that follow from `parent`, numbered from `first`. */
export function nodes(first, count, parent) {
  return Array.from({ length: count }, (_, i) => ({
    content: String(first + i).padStart(200, "0"),
    eventType: "vote",
    scopeId: "bench",
    timestamp: first + i,
    parents: [parent],
  }));
}
