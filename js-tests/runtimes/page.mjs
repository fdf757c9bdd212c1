/** Opens a page and waits for what it says at the end; `room` as for `Browser.open`. */
export async function openPage(context, browser, server, page, room) {
  const program = await browser.open(context, new URL(page, server.origin).href, undefined, room);
  const died = program.ended.then((status) => Promise.reject(new Error(`the browser ended with ${status}`)));
  const end = await Promise.race([server.ended, died]);
  await program.stop();
  return end;
}

/**
 * Opens a page that runs the suite and posts the outcomes as they come (`guest/web/post.mjs`). Whatever went wrong outside
 * of the cases is a failed check.
 */
export async function runPage(context, browser, server, page) {
  const end = await openPage(context, browser, server, page);
  context.check("nothing uncaught", end.uncaught.length > 0 ? end.uncaught.join("\n") : undefined);
  return end;
}
