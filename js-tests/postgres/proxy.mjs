/** A TCP proxy before the server, which cuts connections on command. */
import { once } from "node:events";
import { connect, createServer } from "node:net";

/** What `COMMIT` looks like on its way to the server, unless it was prepared. */
const COMMITS = ["COMMIT\0", "commit\0"];

/** Starts one for the server at an address; gives its own, how to have the next commit cut, and how many were. */
export async function startProxy(address) {
  const to = new URL(address);
  const sockets = new Set();
  let next;
  let cuts = 0;
  const server = createServer((client) => {
    const upstream = connect(Number(to.port), to.hostname);
    const end = () => {
      client.destroy();
      upstream.destroy();
      sockets.delete(client);
    };
    sockets.add(client);
    let isDeaf = false;
    client.on("data", (asked) => {
      const how = COMMITS.some((commit) => asked.includes(commit)) ? next : undefined;
      if (how !== undefined) {
        next = undefined;
        cuts++;
      }
      if (how === "before") return end();
      isDeaf = how === "after";
      upstream.write(asked);
    });
    upstream.on("data", (told) => {
      // The answer is there, so it was done.
      if (isDeaf) end();
      else client.write(told);
    });
    for (const socket of [client, upstream]) socket.on("error", end).on("close", end);
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  const own = new URL(address);
  own.port = server.address().port;
  return {
    address: own.href,
    cuts: () => cuts,
    /** Cuts the connection of the next commit: `"before"` the server hears of it, or `"after"` it was done. */
    cut(how) {
      next = how;
    },
    async end() {
      for (const socket of sockets) socket.destroy();
      server.close();
      await once(server, "close");
    },
  };
}
