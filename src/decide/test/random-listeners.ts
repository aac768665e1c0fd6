/** Random listeners of one port and server names from a small alphabet, so that they meet often. */
import { create } from "@bufbuild/protobuf";
import { type GatewayListener, GatewayListenerSchema } from "../../model/index.ts";
import type { Random } from "./random-routing.ts";

const labels = ["a", "b", "com"] as const;

function randomName(random: Random): string {
  const count = 1 + Math.floor(random() * 3);
  return Array.from({ length: count }, () => labels[Math.floor(random() * labels.length)]).join(".");
}

function randomHostname(random: Random): string {
  const kind = random();
  if (kind < 0.15) return "*";
  return kind < 0.5 ? `*.${randomName(random)}` : randomName(random);
}

export function randomServerName(random: Random): string | undefined {
  const kind = random();
  if (kind < 0.1) return undefined;
  const name = randomName(random);
  if (kind < 0.2) return name.toUpperCase();
  return kind < 0.3 ? `${name}.` : name;
}

export function randomListeners(random: Random): GatewayListener[] {
  return Array.from({ length: 1 + Math.floor(random() * 4) }, (_, index) =>
    create(GatewayListenerSchema, {
      name: String(index),
      hostname: randomHostname(random),
      connections: {
        entries: Array.from({ length: Math.floor(random() * 4) }, () => ({
          hostnames: Array.from({ length: Math.floor(random() * 3) }, () => randomHostname(random)),
          rule: Math.floor(random() * 3),
        })),
        rules: Array.from({ length: 3 }, (_rule, rule) => ({
          backends: [
            { cluster: `${index}:${rule}:first`, weight: 1 + Math.floor(random() * 3) },
            { cluster: `${index}:${rule}:second`, weight: Math.floor(random() * 3) },
          ],
        })),
      },
    }),
  );
}
