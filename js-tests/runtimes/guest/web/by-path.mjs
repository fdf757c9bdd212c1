/** The suite, for where names mean nothing: workers know no import maps, and a strict page has none. */
import * as api from "../../../../node_modules/dag-store/dist/browser.js";
import * as verify from "../../../../node_modules/dag-store/dist/verify.js";
import * as faults from "../../../../node_modules/dag-store-faults/dist/browser.js";
import { postSuite } from "./post.mjs";

export const run = () => postSuite({ ...api, verify, faults });
