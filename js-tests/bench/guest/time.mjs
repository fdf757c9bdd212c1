/** Microseconds that some work took. */
export async function time(work) {
  const start = performance.now();
  await work();
  return 1000 * (performance.now() - start);
}

export function median(times) {
  const sorted = [...times].sort((a, b) => a - b);
  return sorted[sorted.length >> 1];
}
