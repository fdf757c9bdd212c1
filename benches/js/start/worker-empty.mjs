// Nothing: what every Worker takes.
export default { fetch: () => new Response("nothing") };
