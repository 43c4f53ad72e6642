// Runs inside a network namespace and lends its TCP to the test process, which talks to it over a
// Unix socket (those cross network namespaces). A client sends one JSON line, is answered with one,
// and from then on the stream is the TCP stream.
//   {op:"connect", host, port, localAddress?}   opens a connection
//   {op:"listen", host, port}                   listens until the client goes away
//   {op:"accept", host, port}                   the next connection of that listener
import { Buffer } from "node:buffer";
import net from "node:net";

const [path] = process.argv.slice(2);
const listeners = new Map();

function join(client, socket) {
  client.pipe(socket);
  socket.pipe(client);
  for (const [one, other] of [
    [client, socket],
    [socket, client],
  ]) {
    one.on("error", () => other.destroy());
    one.on("close", () => other.destroy());
  }
}

function say(client, value) {
  client.write(`${JSON.stringify(value)}\n`);
}

function connect(client, { host, port, localAddress }) {
  const socket = net.connect({ host, port, localAddress, noDelay: true, allowHalfOpen: true });
  const refused = (error) => {
    say(client, { error: error.message, code: error.code });
    client.end();
  };
  client.on("close", () => socket.destroy());
  socket.once("error", refused);
  socket.once("connect", () => {
    socket.off("error", refused);
    say(client, { localPort: socket.localPort });
    join(client, socket);
  });
}

function listen(client, { host, port }) {
  const key = `${host}|${port}`;
  const entry = { waiting: [], sockets: [] };
  const server = net.createServer(
    { noDelay: true, allowHalfOpen: true, pauseOnConnect: true },
    (socket) => {
      socket.on("error", () => undefined);
      const accepter = entry.waiting.shift();
      if (accepter) accepter(socket);
      else entry.sockets.push(socket);
    },
  );
  server.on("error", (error) => {
    say(client, { error: error.message, code: error.code });
    client.end();
  });
  server.listen({ host, port }, () => {
    listeners.set(key, entry);
    say(client, {});
  });
  client.on("close", () => {
    server.close();
    for (const socket of entry.sockets) socket.destroy();
    listeners.delete(key);
  });
}

function accept(client, { host, port }) {
  const entry = listeners.get(`${host}|${port}`);
  if (!entry) {
    say(client, { error: `nobody listens on ${host} ${port}` });
    client.end();
    return;
  }
  const take = (socket) => {
    say(client, { remoteAddress: socket.remoteAddress, remotePort: socket.remotePort });
    join(client, socket);
    socket.resume();
  };
  const waiting = entry.sockets.shift();
  if (waiting) take(waiting);
  else entry.waiting.push(take);
}

net
  .createServer({ allowHalfOpen: true }, (client) => {
    client.on("error", () => undefined);
    let head = Buffer.alloc(0);
    const onData = (chunk) => {
      head = Buffer.concat([head, chunk]);
      const end = head.indexOf(10);
      if (end < 0) return;
      client.off("data", onData);
      client.pause();
      const rest = head.subarray(end + 1);
      if (rest.length > 0) client.unshift(rest);
      const request = JSON.parse(head.subarray(0, end).toString());
      ({ connect, listen, accept })[request.op](client, request);
    };
    client.on("data", onData);
  })
  .listen(path);
