/** What the suite is run with, where the package is imported by its name. */
import * as dagStore from "dag-store";
import * as verify from "dag-store/verify";
import * as faults from "dag-store-faults";

export const api = { ...dagStore, verify, faults };
