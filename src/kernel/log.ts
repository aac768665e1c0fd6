/** Structured log lines on stderr, as text for people or JSON for programs. Never holds a secret: callers pass fields, not objects. */

export type LogLevel = "debug" | "info" | "warn" | "error";
export type LogFields = Readonly<Record<string, string | number | boolean | undefined>>;

export interface Log {
  debug(message: string, fields?: LogFields): void;
  info(message: string, fields?: LogFields): void;
  warn(message: string, fields?: LogFields): void;
  error(message: string, fields?: LogFields): void;
  /** The line that says that a long-running command serves: `ready key=value …`, or `"event":"ready"`. Printed at every level. */
  ready(fields: LogFields): void;
  with(fields: LogFields): Log;
}

export interface LogOptions {
  readonly format: "text" | "json";
  readonly level: LogLevel;
  readonly write?: (line: string) => void;
  readonly nowMs?: () => number;
}

const ranks: Record<LogLevel, number> = { debug: 0, info: 1, warn: 2, error: 3 };

export function createLog(options: LogOptions, base: LogFields = {}): Log {
  const write = options.write ?? ((line: string) => void process.stderr.write(line));
  const nowMs = options.nowMs ?? Date.now;
  const emit = (level: LogLevel, message: string, fields: LogFields = {}): void => {
    if (ranks[level] < ranks[options.level]) return;
    write(formatLine(options.format, { time: nowMs(), level, message }, { ...base, ...fields }));
  };
  return {
    debug: (message, fields) => emit("debug", message, fields),
    info: (message, fields) => emit("info", message, fields),
    warn: (message, fields) => emit("warn", message, fields),
    error: (message, fields) => emit("error", message, fields),
    ready(fields) {
      if (options.format === "json") {
        write(
          `${JSON.stringify({ time: new Date(nowMs()).toISOString(), event: "ready", ...base, ...fields })}\n`,
        );
      } else {
        write(`ready${textFields({ ...base, ...fields })}\n`);
      }
    },
    with: (fields) => createLog(options, { ...base, ...fields }),
  };
}

/** For tests and for libraries that must stay silent. */
export const silentLog: Log = createLog({ format: "text", level: "error", write: () => {} });

function formatLine(
  format: "text" | "json",
  head: { time: number; level: LogLevel; message: string },
  fields: LogFields,
): string {
  const time = new Date(head.time).toISOString();
  if (format === "json") {
    return `${JSON.stringify({ time, level: head.level, message: head.message, ...fields })}\n`;
  }
  return `${time} ${head.level.padEnd(5)} ${escapeControls(head.message)}${textFields(fields)}\n`;
}

function textFields(fields: LogFields): string {
  let text = "";
  for (const [key, value] of Object.entries(fields)) {
    if (value === undefined) continue;
    const plain = String(value);
    text += ` ${key}=${/^[\w./:@%+,*[\]-]+$/.test(plain) ? plain : escapeControls(JSON.stringify(plain))}`;
  }
  return text;
}

/** Control bytes would let a peer's text move the cursor of whoever reads the log. */
function escapeControls(text: string): string {
  return text.replace(/\p{Cc}/gu, (c) => `\\x${c.charCodeAt(0).toString(16).padStart(2, "0")}`);
}
