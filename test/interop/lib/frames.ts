/** Raw Ethernet frames sent from devices of a namespace: hosts without a host. See frames-process.mjs. */
import { connect } from "node:net";
import type { Socket } from "node:net";
import { join } from "node:path";
import type { Lab } from "./lab.js";
import { ip4 } from "./messages.js";
import { waitFor } from "./wait.js";

const PROCESS = join(import.meta.dirname, "frames-process.mjs");
const BROADCAST = "ff".repeat(6);
/** Local experimental EtherType (IEEE 802): nobody answers. */
const EXPERIMENTAL = "88b5";

export class Frames {
  private readonly socket: Socket;
  private lines: string[] = [];

  private constructor(socket: Socket) {
    this.socket = socket;
    // Every end is followed by "close".
    socket.on("error", () => socket.destroy());
  }

  static async start(lab: Lab, label: string): Promise<Frames> {
    const path = join(lab.directory, `frames-${label}.sock`);
    const program = lab.start(label, `frames-${label}`, process.execPath, [PROCESS, path]);
    const socket = await waitFor(`frame sender in ${label}`, () => {
      program.mustRun();
      return dial(path);
    });
    return new Frames(socket);
  }

  /** A frame from the MAC to everybody: who hears it has learnt the MAC. */
  hello(device: string, mac: string): void {
    this.frame(device, BROADCAST + hexOf(mac) + EXPERIMENTAL + "00".repeat(46));
  }

  /** A gratuitous ARP request: the MAC says that it has the address (RFC 5227 section 3). */
  gratuitousArp(device: string, mac: string, address: string): void {
    const sender = hexOf(mac) + ip4(address);
    const target = "00".repeat(6) + ip4(address);
    const arp = `0001080006040001${sender}${target}`;
    this.frame(device, `${BROADCAST}${hexOf(mac)}0806${arp}${"00".repeat(18)}`);
  }

  /** Sends what has been said so far; ends when the kernel has it. */
  flush(): Promise<void> {
    return new Promise((resolve, reject) => {
      const gone = (): void => reject(new Error("the frame sender is gone"));
      this.socket.once("close", gone);
      this.socket.once("data", () => {
        this.socket.off("close", gone);
        resolve();
      });
      this.socket.write([...this.lines, "", ""].join("\n"));
      this.lines = [];
    });
  }

  close(): void {
    this.socket.destroy();
  }

  private frame(device: string, hex: string): void {
    this.lines.push(`${device} ${hex}`);
  }
}

/** Rejects while nobody listens there. */
function dial(path: string): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = connect({ path });
    socket.once("connect", () => resolve(socket));
    socket.once("error", reject);
  });
}

function hexOf(mac: string): string {
  return mac.replaceAll(":", "");
}
