/** The suite, for wherever the package is found by its name: by a bundler, or by a page's import map. */
import { api } from "../api.mjs";
import { postSuite } from "./post.mjs";

postSuite(api, new URLSearchParams(globalThis.location?.search).get("outcomes") ?? undefined);
