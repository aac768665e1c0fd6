/** SETTINGS (RFC 9113, section 6.5): what each side tells the other before anything else. */
import type { Http2ErrorCode } from "./error-code.ts";
import { defaultFrameBytes, defaultWindowBytes, largestFrameBytes, largestWindowBytes } from "./frame.ts";
import { readUint32 } from "./frame-parser.ts";

const ids = {
  headerTableBytes: 0x1,
  enablePush: 0x2,
  maxConcurrentStreams: 0x3,
  initialWindowBytes: 0x4,
  maxFrameBytes: 0x5,
  maxHeaderListBytes: 0x6,
  enableConnectProtocol: 0x8, // RFC 8441, section 3
} as const;

const settingBytes = 6;
export const defaultHeaderTableBytes = 4096;

export interface Settings {
  headerTableBytes: number;
  maxConcurrentStreams: number;
  initialWindowBytes: number;
  maxFrameBytes: number;
  maxHeaderListBytes: number;
  acceptsExtendedConnect: boolean;
}

/** What holds for a peer that has said nothing yet. */
export function initialSettings(): Settings {
  return {
    headerTableBytes: defaultHeaderTableBytes,
    // Unlimited by the RFC; 100 is what it recommends as the least, so nothing is refused before SETTINGS arrive.
    maxConcurrentStreams: 100,
    initialWindowBytes: defaultWindowBytes,
    maxFrameBytes: defaultFrameBytes,
    maxHeaderListBytes: Number.POSITIVE_INFINITY,
    acceptsExtendedConnect: false,
  };
}

export interface LocalSettings {
  readonly maxConcurrentStreams: number;
  readonly initialWindowBytes: number;
  readonly maxHeaderListBytes: number;
  /** Server only. */
  readonly acceptsExtendedConnect: boolean;
}

/** `role` client adds the refusal of pushes. */
export function encodeSettings(settings: LocalSettings, role: "client" | "server"): Uint8Array {
  const entries: [number, number][] = [
    [ids.initialWindowBytes, settings.initialWindowBytes],
    [ids.maxHeaderListBytes, settings.maxHeaderListBytes],
  ];
  if (role === "client") entries.push([ids.enablePush, 0]);
  else entries.push([ids.maxConcurrentStreams, settings.maxConcurrentStreams]);
  if (role === "server" && settings.acceptsExtendedConnect) entries.push([ids.enableConnectProtocol, 1]);
  const payload = new Uint8Array(entries.length * settingBytes);
  const view = new DataView(payload.buffer);
  for (const [index, [id, value]] of entries.entries()) {
    view.setUint16(index * settingBytes, id);
    view.setUint32(index * settingBytes + 2, value);
  }
  return payload;
}

/** Applies a SETTINGS payload in order; unknown settings are ignored. Returns the connection error it deserves, if any. */
export function applySettings(
  settings: Settings,
  payload: Uint8Array,
  role: "client" | "server",
): Http2ErrorCode | undefined {
  for (let at = 0; at + settingBytes <= payload.length; at += settingBytes) {
    const id = ((payload[at] ?? 0) << 8) | (payload[at + 1] ?? 0);
    const value = readUint32(payload, at + 2);
    switch (id) {
      case ids.headerTableBytes:
        settings.headerTableBytes = value;
        break;
      case ids.enablePush:
        // 1 from a server is an error too (section 6.5.2).
        if (value > 1 || (value === 1 && role === "client")) return "protocol_error";
        break;
      case ids.maxConcurrentStreams:
        settings.maxConcurrentStreams = value;
        break;
      case ids.initialWindowBytes:
        if (value > largestWindowBytes) return "flow_control_error";
        settings.initialWindowBytes = value;
        break;
      case ids.maxFrameBytes:
        if (value < defaultFrameBytes || value > largestFrameBytes) return "protocol_error";
        settings.maxFrameBytes = value;
        break;
      case ids.maxHeaderListBytes:
        settings.maxHeaderListBytes = value;
        break;
      case ids.enableConnectProtocol:
        if (role === "server") break; // means nothing from a client
        // Neither 0 nor 1, or taken back (RFC 8441, section 3).
        if (value > 1 || (value === 0 && settings.acceptsExtendedConnect)) return "protocol_error";
        settings.acceptsExtendedConnect = value === 1;
        break;
      default:
        break;
    }
  }
  return undefined;
}
