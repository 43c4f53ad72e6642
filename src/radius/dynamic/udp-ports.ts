/** The UDP ports where home servers send Disconnect and CoA: several, as 3799 is beside the seed's 1700. */
import { createSocket } from "node:dgram";
import type { Socket } from "node:dgram";
import { isIPv4 } from "node:net";
import type { Prepared } from "../server/side.js";
import type { DynamicSettings } from "./settings.js";

export type OnRequest = (
  address: string,
  bytes: Uint8Array,
  answer: (bytes: Uint8Array) => void,
) => void;

export class DynamicPorts {
  private readonly onRequest: OnRequest;
  /** By address and port as configured. */
  private sockets = new Map<string, Socket>();

  constructor(onRequest: OnRequest) {
    this.onRequest = onRequest;
  }

  /** As bound. */
  get ports(): number[] {
    return [...this.sockets.values()].map((socket) => socket.address().port);
  }

  /**
   * Opens what is missing; what stays is left alone.
   * Rejects with the system's error, with nothing changed.
   */
  async prepare(next: DynamicSettings | undefined): Promise<Prepared> {
    const wanted = new Map<string, Socket>();
    const fresh: Socket[] = [];
    const discard = (): void => {
      for (const socket of fresh) socket.close();
    };
    try {
      for (const port of next?.enabled === true ? next.ports : []) {
        const address = next?.address ?? "";
        const key = `${address} ${port}`;
        let socket = this.sockets.get(key);
        if (socket === undefined) {
          socket = await this.open(address, port);
          fresh.push(socket);
        }
        wanted.set(key, socket);
      }
    } catch (error) {
      discard();
      throw error;
    }
    return {
      commit: () => {
        for (const [key, socket] of this.sockets) if (!wanted.has(key)) socket.close();
        this.sockets = wanted;
        return Promise.resolve();
      },
      discard,
    };
  }

  close(): void {
    for (const socket of this.sockets.values()) socket.close();
    this.sockets.clear();
  }

  private open(address: string, port: number): Promise<Socket> {
    const socket = createSocket({
      type: isIPv4(address) ? "udp4" : "udp6",
      lookup: (host, _options, done) => done(null, host, isIPv4(host) ? 4 : 6),
    });
    socket.on("message", (bytes, { address: from, port: fromPort }) => {
      this.onRequest(plain(from), bytes, (answer) => socket.send(answer, fromPort, from, () => {}));
    });
    return new Promise((resolve, reject) => {
      socket.once("error", (error) => {
        socket.close();
        reject(error);
      });
      socket.bind(port, address, () => {
        socket.removeAllListeners("error");
        // What the kernel says later concerns single answers that could not be delivered.
        socket.on("error", () => {});
        resolve(socket);
      });
    });
  }
}

function plain(address: string): string {
  return address.startsWith("::ffff:") ? address.slice(7) : address;
}
