/**
 * The floor: a UDP forwarder with Node's own sockets that looks at nothing. Each source gets a socket of its own
 * towards the home server, so that answers find their way back. `node dist/perf/radius/forwarder.js LISTEN-PORT
 * HOME-PORT [LISTEN-PORT HOME-PORT]`, on 127.0.0.1.
 */
import { createSocket, type Socket } from "node:dgram";

const HOST = "127.0.0.1";
const RECEIVE_BUFFER = 4 << 20;
const lookup = (
  host: string,
  _options: unknown,
  done: (error: null, address: string, family: number) => void,
): void => done(null, host, 4);

function open(): Socket {
  return createSocket({ type: "udp4", recvBufferSize: RECEIVE_BUFFER, lookup });
}

function forward(listenPort: number, homePort: number): void {
  const listener = open();
  const ways = new Map<number, Socket>();
  listener.on("message", (bytes, { port }) => {
    let way = ways.get(port);
    if (way === undefined) {
      way = open();
      ways.set(port, way);
      way.on("message", (answer) => listener.send(answer, port, HOST));
      way.on("error", () => undefined);
      way.connect(homePort, HOST, () => way?.send(bytes));
      return;
    }
    try {
      way.send(bytes);
    } catch {
      // Not connected yet: the client asks again.
    }
  });
  listener.bind(listenPort, HOST, () => console.log(`forwards ${listenPort} to ${homePort}`));
}

const ports = process.argv.slice(2).map(Number);
for (let i = 0; i + 1 < ports.length; i += 2) forward(ports[i] ?? 0, ports[i + 1] ?? 0);
