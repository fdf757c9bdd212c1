import { DagStore } from "dag-store";
import { fields } from "../fields.mjs";

const store = new DagStore();
const parents = [];
for (let i = 0; i < Number(process.argv[2]); i++) parents[0] = await store.insert({ ...fields(i), parents });
console.log(process.resourceUsage().maxRSS * 1024);
