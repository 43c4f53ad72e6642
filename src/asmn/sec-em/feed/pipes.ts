/** Where a reader's octets come from and go to: a TLS connection, or a port to another thread of the daemon. */
import type { MessagePort } from "node:worker_threads";
import type { TLSSocket } from "node:tls";
import type { Clock } from "../../../util/clock.js";
import type { TlsPeer } from "../../link/index.js";
import type { Core } from "../core.js";
import { ReaderLine } from "./reader-line.js";

/** From the connection to Subscribe. */
const SUBSCRIBE_MS = 10_000;

export function readOverTls(core: Core, { socket, publicKey }: TlsPeer, address: string): void {
  const line = new ReaderLine(
    core,
    {
      send: (octets) => !socket.destroyed && socket.write(octets),
      close: () => closed(socket, core.clock),
    },
    { publicKey, address },
  );
  const late = core.clock.setTimer(SUBSCRIBE_MS, () => {
    if (!line.isSubscribed) socket.destroy();
  });
  socket.on("data", (chunk: Uint8Array) => line.read(chunk));
  socket.on("drain", () => line.drained());
  socket.once("end", () => socket.end());
  socket.once("close", () => {
    late.cancel();
    line.gone();
  });
}

/**
 * A chunk without octets asks for a new beginning, as a new connection would be: a reader that gave a
 * subscription up has no other way to say so.
 * @returns what ends it
 */
export function readOverPort(core: Core, port: MessagePort): () => void {
  let line: ReaderLine | undefined;
  const begin = (): void => {
    line?.gone();
    line = new ReaderLine(
      core,
      {
        send(octets) {
          port.postMessage(octets);
          return true;
        },
        close() {
          // The port stays for the next subscription.
        },
      },
      { publicKey: undefined, address: "local" },
    );
  };
  port.on("message", (chunk: Uint8Array) => {
    if (chunk.length === 0) begin();
    else line?.read(chunk);
  });
  port.once("close", () => line?.gone());
  return () => {
    line?.gone();
    port.close();
  };
}

function closed(socket: TLSSocket, clock: Clock): void {
  socket.end();
  // Who does not read to the end does not keep the connection.
  clock.setTimer(1000, () => socket.destroy());
}
