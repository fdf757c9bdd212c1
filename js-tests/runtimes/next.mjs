import { bundle, filesOf, outcomesOf, runElsewhere } from "./bundle.mjs";
import { checkCarried } from "./carried.mjs";
import { nextTool } from "./tools.mjs";

/** Next builds with either of two bundlers; each app is used twice, by the browser and by the server. */
export const next = ["turbopack", "webpack"].flatMap((bundler) => [
  bundle(`next-${bundler}-client`, nextTool("next/package.json"), async (context) => {
    await runElsewhere(context, `${await startNext(context, bundler)}/client`);
    await checkCarried(context, await filesOf(context, ".next/static"), { file: 1, text: 1 });
  }),
  bundle(`next-${bundler}-server`, nextTool("next/package.json"), async (context) => {
    const origin = await startNext(context, bundler);
    const server = await context.serve(context.consumer.folder);
    const response = await fetch(`${origin}/server?${outcomesOf(server)}`);
    context.check("the page is rendered", response.ok ? undefined : `${response.status}: ${await response.text()}`);
  }),
]);

/** The apps that are built, by the project that they are in. */
const builds = new WeakMap();

/** Builds the app, once for each project, and starts it; gives its address. */
async function startNext(context, bundler) {
  const { consumer } = context;
  const script = consumer.path("node_modules/next/dist/bin/next");
  const env = { CI: "1", NEXT_TELEMETRY_DISABLED: "1" };
  if (!builds.has(consumer)) builds.set(consumer, buildNext(context, script, bundler, env));
  await builds.get(consumer);
  const args = ["--expose-gc", script, "start", "--hostname", "127.0.0.1", "--port", "0"];
  const [origin] = await context.start(process.execPath, args, { env }).printed(/http:\/\/127\.0\.0\.1:\d+/);
  return origin;
}

async function buildNext(context, script, bundler, env) {
  const { consumer } = context;
  await consumer.take("guest/next", "app");
  // Next must be within the project. Links are quick; where the folders are on different disks, it is copied.
  const copy = (...flags) => context.run("cp", ["--archive", "--remove-destination", ...flags, `${nextTool()}/.`, consumer.path("node_modules")]);
  await copy("--link").catch(() => copy());
  await context.run(process.execPath, [script, "build", `--${bundler}`], { env });
}
