/** From the start of a frame to its first inserted node, less what an empty one takes. */
import { inTurns, many, report, scaled, wants } from "./measure.mjs";

const ROUNDS = many(40, 2);

/** Opens a page in a frame, waits for its word, and takes it away. */
async function open(page) {
  const frame = document.createElement("iframe");
  const said = new Promise((resolve) => addEventListener("message", resolve, { once: true }));
  frame.src = `start/${page}.html`;
  document.body.append(frame);
  const { data } = await said;
  if (data !== "done") throw new Error(data);
  frame.remove();
}

if (wants("W12-chromium")) {
  const { "dag-store": ours, empty } = await inTurns(ROUNDS, 1, { "dag-store": () => open("ours"), empty: () => open("empty") });
  report("W12-chromium", scaled({ "dag-store": ours - empty }, 1e-6), ROUNDS);
}
