import { once } from "node:events";
import { pathToFileURL } from "node:url";
import { tool } from "./tools.mjs";

// Node has one of its own from version 22 on; wrangler brings this one.
const { WebSocket } = await import(pathToFileURL(tool("ws/wrapper.mjs")));

/** A socket, whose messages of JSON are taken one after the other. */
export class Socket {
  #socket;
  #messages = [];
  #waiting = [];

  /** Opens a socket where a Worker answers by HTTP. */
  static async open(url) {
    const socket = new Socket();
    socket.#socket = new WebSocket(Object.assign(new URL(url), { protocol: "ws:" }));
    socket.#socket.on("message", (data) => {
      const message = JSON.parse(data);
      const next = socket.#waiting.shift();
      if (next) next(message);
      else socket.#messages.push(message);
    });
    await once(socket.#socket, "open");
    return socket;
  }

  /** The next message. */
  async message() {
    return this.#messages.length > 0 ? this.#messages.shift() : new Promise((resolve) => this.#waiting.push(resolve));
  }

  send(text) {
    this.#socket.send(text);
  }

  close() {
    this.#socket.close();
  }
}
