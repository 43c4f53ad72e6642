/**
 * Round trips over UDP and TCP, run inside a namespace: `echo.js server`, or `echo.js client udp|tcp SIZE HOST`, which
 * for each number on its standard input makes so many and prints their median, in microseconds.
 */
import { createSocket } from "node:dgram";
import { createServer, connect } from "node:net";
import { createInterface } from "node:readline";

const PORT = 5201;

function serve(): void {
  const udp = createSocket("udp4");
  udp.on("message", (message, from) => udp.send(message, from.port, from.address));
  udp.bind(PORT);
  createServer((socket) => {
    socket.setNoDelay(true);
    socket.on("data", (chunk) => socket.write(chunk));
    socket.on("error", () => {});
  }).listen(PORT, () => console.log("ready"));
}

/** Sends, and calls back when all of it has come back. */
type Trip = (back: () => void) => void;

function overUdp(size: number, host: string): Promise<Trip> {
  const socket = createSocket("udp4");
  const message = Buffer.alloc(size, 7);
  let waiting: (() => void) | undefined;
  socket.on("message", () => waiting?.());
  return new Promise((resolve) => {
    socket.connect(PORT, host, () => {
      resolve((back) => {
        // What is lost is sent again.
        const again = setTimeout(() => socket.send(message), 200);
        waiting = () => {
          clearTimeout(again);
          back();
        };
        socket.send(message);
      });
    });
  });
}

function overTcp(size: number, host: string): Promise<Trip> {
  const message = Buffer.alloc(size, 7);
  return new Promise((resolve, reject) => {
    let missing = 0;
    let waiting: (() => void) | undefined;
    const socket = connect(PORT, host, () => {
      socket.setNoDelay(true);
      resolve((back) => {
        waiting = back;
        missing = size;
        socket.write(message);
      });
    });
    socket.on("error", reject);
    socket.on("data", (chunk) => {
      missing -= chunk.length;
      if (missing <= 0) waiting?.();
    });
  });
}

async function measure(trip: Trip, count: number): Promise<number> {
  const took: number[] = [];
  for (let n = 0; n < count; n++) {
    const begun = process.hrtime.bigint();
    await new Promise<void>((resolve) => trip(resolve));
    took.push(Number(process.hrtime.bigint() - begun) / 1000);
  }
  took.sort((a, b) => a - b);
  return took[took.length >> 1] ?? Number.NaN;
}

const [role, protocol, size = "64", host = ""] = process.argv.slice(2);
if (role === "server") serve();
else {
  const trip = await (protocol === "udp" ? overUdp : overTcp)(Number(size), host);
  console.log("ready");
  for await (const line of createInterface({ input: process.stdin })) {
    console.log(String(await measure(trip, Number(line))));
  }
  process.exit(0);
}
