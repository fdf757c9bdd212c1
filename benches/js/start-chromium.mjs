/** From an empty page to the first inserted node. */
import { inChromium } from "./chromium.mjs";

await inChromium("start-rows.mjs");
