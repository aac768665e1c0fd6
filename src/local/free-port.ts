/** A port that is free now. Between the answer and its use another program may take it: for tests and trials, where port 0 is asked for. */

export function freePort(address: string): number {
  const listener = Bun.listen({ hostname: address, port: 0, socket: { data: () => {} } });
  const { port } = listener;
  listener.stop(true);
  return port;
}
