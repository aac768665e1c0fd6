/** A second try beside one that does not answer: which answer wins, what becomes of the loser, and when there is none. */
import { describe, expect, test } from "bun:test";
import { VirtualClock } from "../../kernel/index.ts";
import { eventually } from "../testing/eventually.ts";
import { App, broken, get, hello, post, World } from "../testing/world.ts";

describe("hedging", () => {
  const requests = { hedge: { delayMs: 50 }, retry: { maxRetries: 0 } };

  test("asks a second endpoint when the first is slow, and ends the work of the loser", async () => {
    const clock = new VirtualClock();
    await using world = new World(clock);
    const seen = { asked: 0, closed: 0 };
    const slow = Bun.listen({
      hostname: "127.0.0.1",
      port: 0,
      socket: { data: () => void seen.asked++, close: () => void seen.closed++ },
    });
    const quick = new App(hello);
    const { endpoint } = await world.mesh.server("slow", slow.port);
    const { peer, metric } = await world.client([endpoint, await world.server(quick)], { requests });
    for (let i = 0; i < 50 && seen.asked === 0; i++) {
      peer.write(get);
      await eventually(() => seen.asked > 0 || quick.requests.length > i, "one of them is asked");
      if (seen.asked > 0) clock.advance(70);
      expect((await peer.response()).status).toBe(200);
    }
    expect(await metric("weft_hedges_total")).toBe(1);
    expect(await metric("weft_hedges_won_total")).toBe(1);
    await eventually(() => seen.closed === 1, "the slow one's work ends");
    slow.stop(true);
  });

  test("never for what must not happen twice, nor without another endpoint or budget", async () => {
    const clock = new VirtualClock();
    await using world = new World(clock);
    const answers: (() => void)[] = [];
    const app = (): App => new App((peer) => void answers.push(() => void peer.socket.write(hello)));
    const [first, second] = [await world.server(app()), await world.server(app())];
    const both = await world.client([first, second], { requests });
    const alone = await world.client([first], { requests });
    const poor = await world.client([first, second], {
      requests,
      retryBudget: { percent: 0, minPerSecond: 0 },
    });
    both.peer.write(post);
    alone.peer.write(get);
    poor.peer.write(get);
    await eventually(() => answers.length === 3, "three requests");
    clock.advance(200);
    await Bun.sleep(20);
    expect(answers).toHaveLength(3);
    for (const answer of answers) answer();
    for (const { peer } of [both, alone, poor]) expect((await peer.response()).status).toBe(200);
  });

  test("a failing first answer waits for the other", async () => {
    const clock = new VirtualClock();
    await using world = new World(clock);
    const answers: ((response: string) => void)[] = [];
    const app = (): App =>
      new App((peer) => void answers.push((response) => void peer.socket.write(response)));
    const endpoints = [await world.server(app()), await world.server(app())];
    const { peer } = await world.client(endpoints, { requests: { hedge: { delayMs: 50 } } });
    peer.write(get);
    await eventually(() => answers.length === 1, "the first");
    clock.advance(70);
    await eventually(() => answers.length === 2, "the second");
    answers[0]?.(broken);
    await Bun.sleep(20);
    answers[1]?.(hello);
    expect((await peer.response()).status).toBe(200);
  });
});
