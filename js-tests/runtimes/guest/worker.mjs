/** A Worker and a Durable Object: each runs the suite when it is asked to, and answers with the outcomes. */
import { api } from "./api.mjs";
import { collectGarbage } from "./collect.mjs";
import { runSuite } from "../../suite/run.mjs";
import { streamed } from "./streamed.mjs";

const answer = () => streamed((report) => runSuite({ ...api, collectGarbage }, report));

export class Suite {
  fetch() {
    return answer();
  }
}

export default {
  fetch(request, env) {
    if (new URL(request.url).pathname === "/worker") return answer();
    return env.SUITE.get(env.SUITE.idFromName("suite")).fetch(request);
  },
};
