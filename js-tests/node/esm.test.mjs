import * as api from "dag-store";
import { runSuite } from "./run.mjs";

runSuite(api, "import");
