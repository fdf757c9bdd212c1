import { run } from "./by-path.mjs";

run();
