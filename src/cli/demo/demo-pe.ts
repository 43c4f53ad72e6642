/**
 * A PE with one host, just real enough to show a reflector at work: it opens a BGP session from a
 * loopback address, announces its IMET route and its host's MAC/IP, and tells what it is sent. It has
 * no FSM, no retry and no policy; for a real one, peer with FRR or GoBGP.
 */
import { connect } from "node:net";
import type { Socket } from "node:net";
import { decodeMessage, encodeMessage, type DecodedMessage } from "../../fast-bgp-codec/message.js";
import type { DecodedAttribute } from "../../fast-bgp-codec/attribute/list.js";
import type { MpReach, MpUnreach } from "../../fast-bgp-codec/attribute/mp-nlri.js";
import { formatNlri } from "../../fast-bgp-codec/nlri.js";
import { Family } from "../../fast-bgp-codec/family.js";
import { decodeNotification, describeNotification } from "../../fast-bgp-codec/notification.js";
import { labelOf } from "../../fast-bgp-codec/values/label.js";
import { readU16 } from "../../util/bytes.js";

export interface DemoPeOptions {
  /** Own address of the session, of 127.0.0.0/8. */
  readonly address: string;
  /** Router id and next hop. */
  readonly vtep: string;
  readonly as: number;
  readonly target: { readonly address: string; readonly port: number };
  readonly host: { readonly mac: string; readonly ip: string };
  readonly vni: number;
}

export interface DemoPeEvents {
  /** The session is up. */
  established(): void;
  /** A route arrived or left, in display form. */
  route(what: "+" | "-", prefix: string): void;
  /** Once: why the session ended. */
  closed(reason: string): void;
}

const HEADER = 19;
const HOLD_SECONDS = 90;
const EVPN = { afi: 25, safi: 70 } as const;

export class DemoPe {
  private readonly options: DemoPeOptions;
  private readonly events: DemoPeEvents;
  private readonly socket: Socket;
  private readonly keepalives: NodeJS.Timeout;
  private pending: Uint8Array = new Uint8Array(0);
  private up = false;
  private reason = "";
  private stopped = false;

  constructor(options: DemoPeOptions, events: DemoPeEvents) {
    this.options = options;
    this.events = events;
    const { address, port } = options.target;
    this.socket = connect({ host: address, port, localAddress: options.address });
    this.socket.on("connect", () => this.send(this.open()));
    this.socket.on("data", (chunk: Uint8Array) => this.read(chunk));
    this.socket.on("error", (error) => (this.reason = error.message));
    this.socket.on("close", () => {
      clearInterval(this.keepalives);
      if (!this.stopped) this.events.closed(this.reason || "evpnd closed the connection");
    });
    this.keepalives = setInterval(
      () => this.send({ message: "KEEPALIVE" }),
      (HOLD_SECONDS / 3) * 1000,
    );
    this.keepalives.unref();
  }

  /** Cease, then the end of the connection. */
  close(): void {
    if (this.up) this.send({ message: "NOTIFICATION", code: 6, subcode: 2, data: "" });
    this.stopped = true;
    this.socket.end();
    this.socket.destroySoon();
  }

  private send(message: DecodedMessage): void {
    if (!this.socket.destroyed) this.socket.write(encodeMessage(message));
  }

  private read(chunk: Uint8Array): void {
    const bytes = new Uint8Array(this.pending.length + chunk.length);
    bytes.set(this.pending);
    bytes.set(chunk, this.pending.length);
    let at = 0;
    while (bytes.length - at >= HEADER) {
      const end = at + Math.max(HEADER, readU16(bytes, at + 16));
      if (end > bytes.length) break;
      this.take(bytes.slice(at, end));
      at = end;
    }
    this.pending = bytes.slice(at);
  }

  private take(bytes: Uint8Array): void {
    const message = decodeMessage(bytes, { maxLength: 65535 });
    if (message.message === "OPEN") this.send({ message: "KEEPALIVE" });
    else if (message.message === "KEEPALIVE" && !this.up) this.established();
    else if (message.message === "UPDATE") this.show(message.attributes);
    else if (message.message === "NOTIFICATION") {
      this.reason = describeNotification(decodeNotification(bytes, 0, bytes.length));
    }
  }

  private established(): void {
    this.up = true;
    this.events.established();
    this.send(this.update(this.imet(), [this.pmsi()]));
    this.send(this.update(this.macIp(), []));
    const none = { ...EVPN, withdrawn: [] };
    this.send({ message: "UPDATE", attributes: [attribute(15, "0x80", none)] });
  }

  private show(attributes: readonly DecodedAttribute[]): void {
    for (const { code, value } of attributes) {
      const [what, list] =
        code === 14
          ? (["+", (value as MpReach).nlri] as const)
          : (["-", code === 15 ? (value as MpUnreach).withdrawn : []] as const);
      if (typeof list === "string") continue;
      for (const nlri of list) this.events.route(what, formatNlri(Family.Evpn, nlri));
    }
  }

  private open(): DecodedMessage {
    const { as, vtep } = this.options;
    return {
      message: "OPEN",
      version: 4,
      myAs: as > 65535 ? 23456 : as,
      holdTime: HOLD_SECONDS,
      bgpId: vtep,
      capabilities: [
        { code: 1, name: "multiprotocol", length: 4, ...EVPN },
        { code: 2, name: "route-refresh", length: 0 },
        { code: 65, name: "four-octet-as", length: 4, asn: as },
      ],
    };
  }

  private update(nlri: object, more: readonly DecodedAttribute[]): DecodedMessage {
    const { as, vtep, vni } = this.options;
    // A route target of type 0 has room for a 2-octet AS; any number does for a demonstration.
    const communities = [`rt:${as > 65535 ? 65000 : as}:${vni}`, "encapsulation:8"];
    return {
      message: "UPDATE",
      attributes: [
        attribute(1, "0x40", "IGP"),
        attribute(2, "0x40", []),
        attribute(5, "0x40", 100),
        attribute(14, "0x80", { ...EVPN, nextHop: vtep, nlri: [nlri] }),
        attribute(16, "0xc0", communities),
        ...more,
      ],
    };
  }

  private get rd(): string {
    return `1:${this.options.vtep}:${this.options.vni}`;
  }

  private imet(): object {
    return { type: 3, rd: this.rd, ethTag: 0, ipLen: 32, originator: this.options.vtep };
  }

  private macIp(): object {
    const { mac, ip } = this.options.host;
    const esi = "00000000000000000000";
    const label1 = labelOf(this.options.vni);
    const address = { macLen: 48, mac, ipLen: 32, ip };
    return { type: 2, rd: this.rd, esi, ethTag: 0, ...address, label1, label2: null };
  }

  /** PMSI tunnel (RFC 6514 section 5): ingress replication to this VTEP. */
  private pmsi(): DecodedAttribute {
    const endpoint = this.options.vtep
      .split(".")
      .map((octet) => Number(octet).toString(16).padStart(2, "0"))
      .join("");
    return {
      code: 22,
      name: "PMSI_TUNNEL",
      flags: "0xc0",
      value: "",
      hex: `0006${this.rawVni()}${endpoint}`,
    };
  }

  private rawVni(): string {
    return this.options.vni.toString(16).padStart(6, "0");
  }
}

function attribute(code: number, flags: string, value: unknown): DecodedAttribute {
  return { code, name: "", flags, value };
}
