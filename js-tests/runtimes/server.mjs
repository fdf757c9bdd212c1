import { once } from "node:events";
import { readFile } from "node:fs/promises";
import { createServer } from "node:http";
import path from "node:path";

const TYPES = {
  ".css": "text/css",
  ".html": "text/html; charset=utf-8",
  ".js": "text/javascript",
  ".json": "application/json",
  ".mjs": "text/javascript",
  ".wasm": "application/wasm",
};

/**
 * Serves a folder on a free port of 127.0.0.1, as any static server would. Outcomes are posted to `/outcomes`, an array of
 * them at a time; a post of `{ "end": … }` ends the run. `headers` go with every answer.
 */
export async function serve(folder, { onOutcome, headers = {} } = {}) {
  const missing = [];
  let end;
  const ended = new Promise((resolve) => {
    end = resolve;
  });
  // Connections stay: one that is closed for being quiet may be closed just as the next outcomes are posted.
  const server = createServer({ keepAliveTimeout: 0 }, async (request, response) => {
    const { pathname } = new URL(request.url, "http://localhost");
    if (request.method === "POST" && pathname === "/outcomes") {
      let body = "";
      for await (const part of request.setEncoding("utf8")) body += part;
      const posted = JSON.parse(body);
      if (Array.isArray(posted)) posted.forEach(onOutcome);
      else end(posted.end);
      response.writeHead(204).end();
      return;
    }
    const file = path.join(folder, path.normalize(decodeURIComponent(pathname.endsWith("/") ? `${pathname}index.html` : pathname)));
    const bytes = await readFile(file).catch(() => undefined);
    if (!bytes) missing.push(pathname);
    const type = TYPES[path.extname(file)] ?? "application/octet-stream";
    if (bytes) response.writeHead(200, { "content-type": type, "cache-control": "no-store", ...headers }).end(bytes);
    else response.writeHead(404, { "content-type": "text/html", ...headers }).end("<h1>Not found</h1>");
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    origin: `http://127.0.0.1:${server.address().port}`,
    /** The paths that were asked for and are not there, in order. */
    missing,
    /** Resolves with what was said at the end of the run. */
    ended,
    close() {
      server.closeAllConnections();
      server.close();
    },
  };
}
