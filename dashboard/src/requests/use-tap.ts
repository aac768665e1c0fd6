/** A tap that the page has open: begun by hand, drawn a few times a second, ended by hand, by its time or by leaving the page. */
import { useCallback, useEffect, useRef, useState } from "preact/hooks";
import { failureOf, meshPath, openStream, withQuery } from "../api/fetch-json.ts";
import {
  afterMessages,
  idleTap,
  LineReader,
  readTapMessage,
  type TapMessage,
  type TapState,
} from "./tap-stream.ts";

export interface TapQuery {
  readonly service: string;
  readonly namespace: string;
  readonly filter: string;
  readonly withHeaders: boolean;
  readonly seconds: number;
}

const drawEveryMs = 250;
const maxPerSecond = 50;
/** What waits to be drawn; a tab that is not drawn keeps the newest. */
const maxWaiting = 1_000;

export function useTap() {
  const [state, setState] = useState<TapState>(idleTap);
  const request = useRef<AbortController | undefined>(undefined);

  const stop = useCallback(() => {
    request.current?.abort();
    request.current = undefined;
    setState((before) =>
      before.phase === "idle"
        ? before
        : { ...before, phase: "ended", why: before.why === "" ? "stopped" : before.why },
    );
  }, []);
  const start = useCallback((query: TapQuery) => {
    request.current?.abort();
    const controller = new AbortController();
    request.current = controller;
    setState({ ...idleTap, phase: "starting" });
    void run(query, controller.signal, (messages) => setState((before) => afterMessages(before, messages)));
  }, []);
  useEffect(() => () => request.current?.abort(), []);
  return { state, start, stop };
}

async function run(
  query: TapQuery,
  signal: AbortSignal,
  give: (messages: readonly TapMessage[]) => void,
): Promise<void> {
  let waiting: TapMessage[] = [];
  const draw = (): void => {
    if (waiting.length > 0 && !signal.aborted) give(waiting);
    waiting = [];
  };
  const timer = setInterval(draw, drawEveryMs);
  try {
    const { service, namespace, filter, withHeaders, seconds } = query;
    const path = withQuery(`${meshPath}/tap`, {
      service,
      namespace,
      filter,
      headers: withHeaders ? "true" : undefined,
      maxPerSecond,
      seconds,
    });
    const lines = new LineReader();
    for await (const bytes of await openStream(path, signal)) {
      const messages = lines.push(bytes).flatMap((line) => readTapMessage(line) ?? []);
      waiting = [...waiting, ...messages].slice(-maxWaiting);
    }
    waiting.push({ type: "end", why: "" });
  } catch (cause) {
    if (!signal.aborted) waiting.push({ type: "end", why: failureOf(cause).message });
  } finally {
    clearInterval(timer);
    draw();
  }
}
