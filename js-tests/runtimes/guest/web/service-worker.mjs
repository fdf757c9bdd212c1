import { run } from "./by-path.mjs";

addEventListener("message", (event) => event.waitUntil(run()));
