/** Writes the pattern over and over to whoever connects. */
import { pattern } from "./byte-pattern.ts";
import { settings } from "./settings.ts";

interface Sender {
  offset: number;
}

const bytes = pattern();

function send(socket: Bun.Socket<Sender>): void {
  for (;;) {
    const { offset } = socket.data;
    const taken = socket.write(bytes, offset, bytes.length - offset);
    if (taken < 0) return;
    const isAll = offset + taken === bytes.length;
    socket.data.offset = isAll ? 0 : offset + taken;
    if (!isAll) return; // more is wanted: `drain` comes
  }
}

Bun.listen<Sender>({
  hostname: "127.0.0.1",
  port: settings()("port"),
  socket: {
    open(socket) {
      socket.data = { offset: 0 };
      send(socket);
    },
    drain: send,
    data() {},
  },
});
