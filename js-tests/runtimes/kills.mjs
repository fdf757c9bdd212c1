/** Browsers and workerd, killed while a journal is written to: nothing that was acknowledged may be lost. */
import { BROWSERS, newProfile } from "./browser.mjs";
import { prepareWorker, startWorker, workerdVersion } from "./workerd.mjs";

const isFull = process.env.DAG_STORE_FULL === "1";
const KILLS = isFull ? 20 : 3;
const limit = isFull ? 7_200_000 : 900_000;
const PAGE = "/js-tests/runtimes/guest/web/killed.html";

/** WebKit's small browser keeps nothing: it is private, as the tests start it. */
const browsers = ["chromium", "firefox"].map((name) => ({
  name: `${name}-killed`,
  project: name,
  suite: false,
  limit,
  packages: BROWSERS[name].packages,
  version: BROWSERS[name].version,
  async run(context) {
    const profile = await newProfile(context);
    let heard;
    const server = await context.serve(context.consumer.folder, { onOutcome: (outcome) => heard(outcome) });
    await killAgainAndAgain(context, async (listen) => {
      heard = listen;
      return BROWSERS[name].open(context, new URL(PAGE, server.origin).href, profile);
    }, BROWSERS[name].givesUp);
  },
}));

const workerd = {
  name: "workerd-killed",
  project: "workerd",
  suite: false,
  limit,
  version: workerdVersion,
  async run(context) {
    await context.consumer.write("disk/README", "What Durable Objects keep.\n");
    const config = await prepareWorker(context, "killed-worker");
    await killAgainAndAgain(context, async (listen) => {
      const { origin, server } = await startWorker(context, config);
      // It ends when its server does, in the midst of a line or not; what ends it earlier is told.
      const told = fetch(origin).then((response) => hear(response, listen));
      told.then(
        () => listen({ error: "the answer has ended" }),
        (error) => listen({ error: `the answer broke off: ${error.cause ?? error}` }),
      );
      return server;
    });
  },
};

export const kills = [...browsers, workerd];

/** Takes each line of JSON of an answer as it comes. */
export async function hear({ body }, listen) {
  let rest = "";
  for await (const text of body.pipeThrough(new TextDecoderStream())) {
    const lines = (rest + text).split("\n");
    rest = lines.pop();
    for (const line of lines) listen(JSON.parse(line));
  }
}

/**
 * Starts a program that tells what it finds and then writes, and kills it soon after some commits; and again. What it
 * has told of must be there each time, unless the program itself says (`givesUp`) that it has thrown everything away.
 */
async function killAgainAndAgain(context, start, givesUp) {
  let told = [];
  let inAll = 0;
  let survived = 0;
  for (let times = 0; times <= KILLS; times++) {
    const enough = 1 + ((times * 7) % 23);
    let program;
    const found = await new Promise((resolve, reject) => {
      let found;
      let count = 0;
      const listen = ({ error, acknowledged, ...rest }) => {
        if (error !== undefined) reject(new Error(error));
        if (rest.cids !== undefined) found = rest;
        if (acknowledged === undefined) return;
        told.push([acknowledged, times]);
        inAll++;
        // What comes before that was still on its way when the last one was killed.
        if (found !== undefined && ++count === enough) resolve(found);
      };
      start(listen).then((started) => {
        program = started;
        return program.ended.then((status) => reject(new Error(`it ended with ${status}`)));
      }, reject);
    });
    await program.stop();
    if (times === 0) continue;
    const { sequence, cids } = found;
    const lost = told.filter(([[place, cid], when]) => when < times && cids[place - 1] !== cid);
    if (lost.length > 0 && sequence === 0 && givesUp && program.hasPrinted(givesUp)) {
      context.note(`after kill number ${times}, the browser found its own files damaged, and deleted all that it kept`);
      told = told.filter(([, when]) => when === times);
      continue;
    }
    survived++;
    const isWhole = lost.length === 0 && sequence === cids.length;
    context.check(`nothing acknowledged is lost by kill number ${times}`, isWhole ? undefined : JSON.stringify({ lost, sequence, nodes: cids.length }));
  }
  context.check("what was killed has opened what it kept", survived > 0 ? undefined : "not once");
  context.note(`killed ${KILLS} times, after ${inAll} acknowledged commits`);
}
