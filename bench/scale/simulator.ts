/** The process of simulated proxies: settings in its argument, orders on standard input, a report for each on standard output. */
import { Population } from "./population.ts";
import { parseOrder, parseSettings, type SimulatorOrder } from "./simulator-protocol.ts";

const settings = parseSettings(process.argv[2] ?? "");
setTimeout(() => process.exit(3), settings.lifeMs).unref();
const population = new Population(settings);
report({ proxies: settings.proxies });
for await (const line of console) report(await carryOut(parseOrder(line)));
population.close();

async function carryOut(order: SimulatorOrder): Promise<object> {
  const { user, system } = process.cpuUsage();
  const done = await resultOf(order);
  const spent = process.cpuUsage({ user, system });
  return { ...done, simulatorCpuMs: (spent.user + spent.system) / 1_000 };
}

function resultOf(order: SimulatorOrder): Promise<object> {
  switch (order.order) {
    case "connect":
      return population.connect(order.atOnce);
    case "await-reconnect":
      return population.reconnected();
    case "move":
      return population.move(order.count, order.perSecond, order.patienceMs);
  }
}

function report(figures: object): void {
  process.stdout.write(`${JSON.stringify(figures)}\n`);
}
