import path from "node:path";
import { fileURLToPath } from "node:url";
import { BROWSERS } from "./browser.mjs";
import { bundle } from "./bundle.mjs";
import { openPage } from "./page.mjs";
import { tool } from "./tools.mjs";

const { chromium } = BROWSERS;
const PICTURE = fileURLToPath(new URL("../../target/example-vite-app.png", import.meta.url));

/** The example for the web: built, used as a visitor would, looked at, and pictured. */
export const examplePage = { ...bundle("example-vite-app", tool("vite/package.json"), run), suite: false };

async function run(context) {
  const { consumer } = context;
  await consumer.take("../../examples-web/vite-app", "example");
  await context.run(process.execPath, [tool("vite/bin/vite.js"), "build"], { cwd: "example" });
  for (const file of ["example.html", "example.mjs"]) await consumer.take(`guest/web/${file}`, `example/dist/${file}`);
  const server = await context.serve(consumer.path("example/dist"));
  const steps = await openPage(context, chromium, server, "/example.html");

  const hashes = new Set(steps.map(({ hash }) => hash));
  const isRight =
    String(steps.map(({ size, heads, error }) => [size, heads, error])) === String([[1, 1, ""], [2, 1, ""], [102, 10, ""]]) &&
    hashes.size === 3 &&
    [...hashes].every((hash) => /^[0-9a-f]{64}$/.test(hash));
  context.check("the example shows what the store has", isRight ? undefined : JSON.stringify(steps));
  context.check("the example asks for nothing that isn't there", server.missing.length > 0 ? server.missing.join(", ") : undefined);
  await chromium.picture(context, `${server.origin}/example.html`, PICTURE);
  context.note(`the example is pictured in target/${path.basename(PICTURE)}`);
}
