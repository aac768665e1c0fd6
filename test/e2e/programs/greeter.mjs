// A server that speaks first, as mail servers and databases do: greets, then says each line again. Bun, plain TCP.
Bun.listen({
  hostname: process.env.HOST ?? "0.0.0.0",
  port: Number(process.env.PORT ?? 2525),
  socket: {
    open: (socket) => void socket.write("220 greetings\r\n"),
    data: (socket, chunk) => void socket.write(`250 ${chunk}`),
  },
});
