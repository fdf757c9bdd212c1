const dagStore = require("dag-store");
const verify = require("dag-store/verify");
const faults = require("dag-store-faults");

import("./print.mjs").then(({ printSuite }) => printSuite({ ...dagStore, verify, faults }));
