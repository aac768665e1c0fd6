/** Attestation by what the kernel says of a process, as the options say: rules, socket and tickets together. */
import { type ProcessRefusal, ProcessTickets } from "../../identity/index.ts";
import type { Clock, Log } from "../../kernel/index.ts";
import { AttestationSocket } from "./attestation-socket.ts";
import { RulesFile } from "./rules-file.ts";

export interface ProcessAttestationSettings {
  readonly socketPath: string;
  readonly rulesFile: string;
}

export interface ProcessAttestation {
  readonly tickets: ProcessTickets;
  close(): void;
}

/** Undefined: not wanted. Throws where rules or socket cannot be used. */
export async function openProcessAttestation(
  settings: ProcessAttestationSettings | undefined,
  parts: { readonly onRefused: (reason: ProcessRefusal) => void; readonly clock: Clock; readonly log: Log },
): Promise<ProcessAttestation | undefined> {
  if (settings === undefined) return undefined;
  const rules = new RulesFile(settings.rulesFile, parts);
  const tickets = new ProcessTickets(parts.clock);
  try {
    const socket = await AttestationSocket.open({
      ...parts,
      path: settings.socketPath,
      rules: () => rules.rules,
      tickets,
    });
    return {
      tickets,
      close() {
        socket.close();
        rules.close();
      },
    };
  } catch (error) {
    rules.close();
    throw error;
  }
}
