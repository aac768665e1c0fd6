/** Waits for something that happens on the other side of a socket and has no promise. Polls, with a deadline. */
/** Only a defect takes so long: a machine that is busy with other things may well take seconds. */
const defaultWithinMs = 30_000;

export async function eventually(
  isTrue: () => boolean | Promise<boolean>,
  what: string,
  withinMs = defaultWithinMs,
): Promise<void> {
  const deadline = Date.now() + withinMs;
  while (!(await isTrue())) {
    if (Date.now() > deadline) throw new Error(`never: ${what}`);
    await Bun.sleep(5);
  }
}

/** A port on which nothing listens, below those that the kernel hands out for port 0, so that nobody gets it meanwhile. */
export function freePort(): number {
  for (;;) {
    const port = 20_000 + Math.floor(Math.random() * 10_000);
    try {
      Bun.listen({ hostname: "127.0.0.1", port, socket: { data() {} } }).stop(true);
      return port;
    } catch {
      // Taken: the next one.
    }
  }
}

export async function scrape(proxy: {
  readonly bound: { readonly admin: { readonly port: number } };
}): Promise<string> {
  const response = await fetch(`http://127.0.0.1:${proxy.bound.admin.port}/metrics`);
  return await response.text();
}

/** Waits until a figure has stood still for 100 ms: nothing is moving any more. */
export async function settles(read: () => number): Promise<void> {
  let before = -1;
  while (before !== read()) {
    before = read();
    await Bun.sleep(100);
  }
}
