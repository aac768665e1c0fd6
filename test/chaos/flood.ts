/** `flood.ts URL CONNECTIONS`: so many at a time, each asking again as soon as it has its answer, until SIGTERM. */
const [url = "", connections = "1"] = process.argv.slice(2);
const answerTimeoutMs = 10_000;
const end = new AbortController();
process.once("SIGTERM", () => end.abort());

async function ask(): Promise<void> {
  while (!end.signal.aborted) {
    const signal = AbortSignal.any([end.signal, AbortSignal.timeout(answerTimeoutMs)]);
    try {
      await (await fetch(url, { signal })).arrayBuffer();
    } catch {
      // Refused or cut off: that is what it is here for. Not in a tight loop, so that it stays a flood of requests.
      await Bun.sleep(10);
    }
  }
}

await Promise.all(Array.from({ length: Number(connections) }, ask));
