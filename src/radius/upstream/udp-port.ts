/** A source port over UDP: connected, so that the kernel tells what nobody listens to. */
import { createUdpEnd } from "../udp/udp-end.js";
import type { UdpEnd } from "../udp/udp-end.js";
import { IdentifierRing } from "./port.js";
import type { UpstreamPort } from "./port.js";

export interface PortHooks {
  onDatagram(port: UpstreamPort, bytes: Uint8Array): void;
  /** The kernel says that nothing listens there, or that there is no way to it. */
  onRefused(): void;
}

export class UdpPort extends IdentifierRing implements UpstreamPort {
  private readonly end: UdpEnd;

  constructor(address: string, port: number, hooks: PortHooks) {
    super();
    this.end = createUdpEnd(
      { peer: { address, port } },
      {
        onDatagram: (bytes) => hooks.onDatagram(this, bytes),
        onRefused: () => hooks.onRefused(),
      },
    );
  }

  send(bytes: Uint8Array): void {
    this.end.send(bytes);
  }

  close(): void {
    this.end.close();
  }
}
