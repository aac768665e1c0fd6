/** Questions over UDP to a proxy's DNS port, for as long as a test wants them. */

/** Less than what a resolver waits before it asks again. */
const answerTimeoutMs = 4_000;

/** One question every few milliseconds, each from a port of its own and never repeated. */
export class NameLoad {
  answered = 0;
  readonly #running: Promise<number>;
  #isStopped = false;

  constructor(port: number, name: string) {
    const labels = name.split(".").flatMap((label) => [label.length, ...Buffer.from(label)]);
    const question = Uint8Array.from([1, 2, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0, ...labels, 0, 0, 1, 0, 1]);
    this.#running = this.#run(port, question);
  }

  /** How many were asked. */
  stop(): Promise<number> {
    this.#isStopped = true;
    return this.#running;
  }

  async #run(port: number, question: Uint8Array<ArrayBuffer>): Promise<number> {
    const answers: Promise<void>[] = [];
    while (!this.#isStopped) {
      answers.push(this.#ask(port, question));
      await Bun.sleep(20);
    }
    await Promise.race([Promise.all(answers), Bun.sleep(answerTimeoutMs)]);
    return answers.length;
  }

  async #ask(port: number, question: Uint8Array<ArrayBuffer>): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<Buffer>();
    const socket = await Bun.udpSocket({
      hostname: "127.0.0.1",
      socket: { data: (_socket, message) => resolve(message), error: () => {} },
    });
    socket.send(question, port, "127.0.0.1");
    // The lowest four bits of the fourth byte say what became of it: 0 is an answer.
    if (((await promise)[3] ?? 15) % 16 === 0) this.answered++;
    socket.close();
  }
}
