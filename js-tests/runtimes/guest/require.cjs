const dagStore = require("dag-store");
const faults = require("dag-store-faults");

import("./print.mjs").then(({ printSuite }) => printSuite({ ...dagStore, faults }));
