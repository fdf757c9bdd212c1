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
    });
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
      // It ends when its server does, in the midst of a line or not.
      hear(await fetch(origin), listen).catch(() => {});
      return server;
    });
  },
};

export const kills = [...browsers, workerd];

async function hear({ body }, listen) {
  let rest = "";
  for await (const text of body.pipeThrough(new TextDecoderStream())) {
    const lines = (rest + text).split("\n");
    rest = lines.pop();
    for (const line of lines) listen(JSON.parse(line));
  }
}

/**
 * Starts a program that tells what it finds and then writes, and kills it soon after some commits; and again. What it
 * has told of must be there each time.
 */
async function killAgainAndAgain(context, start) {
  const told = [];
  for (let times = 0; times <= KILLS; times++) {
    const enough = 1 + ((times * 7) % 23);
    let program;
    const found = await new Promise((resolve, reject) => {
      let found;
      let count = 0;
      const listen = ({ error, acknowledged, ...rest }) => {
        if (error !== undefined) reject(new Error(error));
        if (rest.cids !== undefined) found = rest;
        if (acknowledged !== undefined) told.push([acknowledged, times]);
        // What comes before that was still on its way when the last one was killed.
        if (acknowledged !== undefined && found !== undefined && ++count === enough) resolve(found);
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
    const isWhole = lost.length === 0 && sequence === cids.length;
    context.check(`nothing acknowledged is lost by kill number ${times}`, isWhole ? undefined : JSON.stringify({ lost, sequence, nodes: cids.length }));
  }
  context.note(`killed ${KILLS} times, after ${told.length} acknowledged commits`);
}
