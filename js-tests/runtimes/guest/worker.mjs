/** A Worker and a Durable Object: each runs the suite when it is asked to, and answers with the outcomes. */
import { api } from "./api.mjs";
import { collectGarbage } from "./collect.mjs";
import { runSuite } from "../../suite/run.mjs";

function answer() {
  const { readable, writable } = new TransformStream();
  const writer = writable.getWriter();
  const encoder = new TextEncoder();
  const report = (outcome) => writer.write(encoder.encode(`${JSON.stringify(outcome)}\n`));
  runSuite({ ...api, collectGarbage }, report).then(
    () => writer.close(),
    (error) => writer.abort(error),
  );
  return new Response(readable);
}

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
