/** A response that tells of outcomes as they come, each a line of JSON. */
export function streamed(run) {
  const { readable, writable } = new TransformStream();
  const writer = writable.getWriter();
  const encoder = new TextEncoder();
  const report = (outcome) => writer.write(encoder.encode(`${JSON.stringify(outcome)}\n`));
  run(report).then(
    () => writer.close(),
    (error) => writer.abort(error),
  );
  return new Response(readable);
}
