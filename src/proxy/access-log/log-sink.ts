/** Where records of the access log go beside the file: the exporter to collectors of OTLP is one. */

export type LogAttribute = string | number | boolean;

export interface LogRecord {
  /** Unix time. */
  readonly timeMs: number;
  readonly severity: "info" | "error";
  readonly eventName: string;
  readonly body: string;
  /** Undefined and empty ones say nothing. What a peer chose is as it came: whoever encodes it cuts it. */
  readonly attributes: Readonly<Record<string, LogAttribute | undefined>>;
  /** 32 hexadecimal digits; undefined: it belongs to no trace that is kept. */
  readonly traceId?: string | undefined;
  /** 16 hexadecimal digits. */
  readonly spanId?: string | undefined;
}

export interface LogSink {
  /** No: no record is made. Asked for each line. */
  readonly takesLogs: boolean;
  /** Never waits: what is too much is dropped and counted by the sink. */
  log(record: LogRecord): void;
}
