/** The journal in IndexedDB. */
import { inChromium } from "./chromium.mjs";

await inChromium("idb-rows.mjs");
