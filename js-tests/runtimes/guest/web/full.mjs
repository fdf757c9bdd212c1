/** Fills a journal in IndexedDB until the browser gives no more room, and posts what came of it. */
import { fill } from "../fill.mjs";
import { open } from "./write.mjs";

const end = [];
await fill(open, (fact) => end.push(fact)).catch((error) => end.push({ error: String(error?.stack ?? error) }));
await fetch("/outcomes", { method: "POST", body: JSON.stringify({ end }) });
