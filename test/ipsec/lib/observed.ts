/** SAs and log lines as an IKE daemon tells of them, and a driver that a test holds in its hand. */
import type {
  DaemonFacts,
  DriverControl,
  DriverEvent,
  TunnelFacts,
} from "../../../src/ipsec/live/control.js";
import type { LogEvent } from "../../../src/ipsec/live/event.js";
import type { ChildSa, IkeSa } from "../../../src/ipsec/live/sa.js";
import type { TunnelSide } from "../../../src/ipsec/model/index.js";

export function childSa(change: Partial<ChildSa> = {}): ChildSa {
  return {
    name: "net",
    uniqueId: 3,
    reqid: 1,
    state: "INSTALLED",
    mode: "TUNNEL",
    protocol: "ESP",
    encapsulated: false,
    spiIn: "ced238c7",
    spiOut: "6b15a355",
    encryption: "AES_CBC",
    encryptionBits: 128,
    integrity: "HMAC_SHA1_96",
    group: undefined,
    esn: false,
    bytesIn: 0,
    packetsIn: 0,
    bytesOut: 0,
    packetsOut: 0,
    idleInSeconds: undefined,
    idleOutSeconds: undefined,
    rekeySeconds: 3000,
    lifeSeconds: 3600,
    installedSeconds: 0,
    localSelectors: ["10.1.0.0/24"],
    remoteSelectors: ["10.2.0.0/24"],
    ...change,
  };
}

export function ikeSa(change: Partial<IkeSa> = {}): IkeSa {
  return {
    connection: "evpnd-t",
    uniqueId: 1,
    version: 1,
    state: "ESTABLISHED",
    localHost: "192.0.2.1",
    localPort: 500,
    localId: "192.0.2.1",
    remoteHost: "192.0.2.2",
    remotePort: 500,
    remoteId: "192.0.2.2",
    initiator: true,
    initiatorSpi: "522f1234567890ab",
    responderSpi: "0003abcdef012345",
    natLocal: false,
    natRemote: false,
    encryption: "AES_CBC",
    encryptionBits: 128,
    integrity: "HMAC_SHA1_96",
    prf: "PRF_HMAC_SHA1",
    group: "MODP_1024",
    ppk: false,
    establishedSeconds: 10,
    rekeySeconds: 15_460,
    reauthSeconds: undefined,
    tasks: [],
    children: [childSa()],
    ...change,
  };
}

export function logLine(text: string, change: Partial<LogEvent> = {}): LogEvent {
  return {
    kind: "log",
    group: "IKE",
    level: 1,
    connection: "evpnd-t",
    uniqueId: 1,
    text,
    ...change,
  };
}

/** Holds one tunnel; a test changes what it says, and emits events. */
export class HandDriver implements DriverControl {
  readonly orders: string[] = [];
  list: IkeSa[] = [];
  connected = true;
  uncovered: TunnelFacts["uncovered"] = [];
  logging = false;
  private readonly side: TunnelSide;
  private readonly listeners = new Set<(event: DriverEvent) => void>();

  constructor(side: TunnelSide) {
    this.side = side;
  }

  emit(event: DriverEvent): void {
    for (const listener of this.listeners) listener(event);
  }

  daemon(): DaemonFacts {
    return {
      connected: this.connected,
      problem: this.connected ? undefined : "no IKE daemon at /run/charon.vici: start strongSwan",
      version: "5.9.8",
      plugins: [],
      since: 0,
      planned: 1,
      loaded: 1,
    };
  }

  tunnels(): readonly TunnelFacts[] {
    const up = this.list.some(({ children }) => children.length > 0);
    return [
      {
        tunnel: this.side.tunnel,
        connection: `evpnd-${this.side.tunnel}`,
        start: this.side.start,
        children: [],
        loaded: true,
        problem: undefined,
        held: false,
        up,
        uncovered: this.uncovered,
        backup: undefined,
        sas: this.list,
      },
    ];
  }

  sas(): Promise<readonly IkeSa[]> {
    return Promise.resolve(this.list);
  }

  initiate(tunnel: string): Promise<void> {
    return this.order(`initiate ${tunnel}`);
  }

  async terminate(tunnel: string): Promise<number> {
    await this.order(`terminate ${tunnel}`);
    return this.list.length;
  }

  rekey(tunnel: string, what: "ike" | "child"): Promise<void> {
    return this.order(`rekey ${tunnel} ${what}`);
  }

  renegotiate(tunnel: string): Promise<void> {
    return this.order(`renegotiate ${tunnel}`);
  }

  listenToLog(on: boolean): Promise<void> {
    this.logging = on;
    return Promise.resolve();
  }

  subscribe(listener: (event: DriverEvent) => void): () => void {
    this.listeners.add(listener);
    return () => {
      this.listeners.delete(listener);
    };
  }

  private order(text: string): Promise<void> {
    this.orders.push(text);
    return Promise.resolve();
  }
}
