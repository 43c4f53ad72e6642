/** A BMP collector inside a namespace, on a port that its relay listens on. */
import type { Socket } from "node:net";
import { Station } from "../../bgp/feeds/lib/station.js";
import type { Lab } from "./lab.js";

export class BmpCollector {
  readonly station = new Station();
  private readonly socket: Socket;

  private constructor(socket: Socket) {
    this.socket = socket;
    socket.on("data", (chunk: Buffer) => this.station.push(chunk));
    socket.on("error", () => undefined);
    socket.resume();
  }

  static async accept(lab: Lab, port: number, label = "lo"): Promise<BmpCollector> {
    const relay = await lab.relay(label);
    const { socket } = await relay.accept("127.0.0.1", port);
    return new BmpCollector(socket);
  }

  /** Says something, which no collector should. */
  say(bytes: Uint8Array): void {
    this.socket.write(bytes);
  }

  kill(): void {
    this.socket.destroy();
  }
}
