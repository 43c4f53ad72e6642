/**
 * An IKE daemon as far as its control socket goes: it keeps what is loaded, gives every initiated child an SA
 * at once, and tells of it. For tests of what we say to a daemon; what a real one makes of it is shown in
 * test/interop/ipsec.
 */
import { rmSync } from "node:fs";
import { createServer, type Server, type Socket } from "node:net";
import {
  encodePacket,
  decodePacket,
  listOf,
  PacketType,
  sectionOf,
  SegmentReader,
  textOf,
  type ViciSection,
  type ViciTree,
} from "../../../src/ipsec/vici/index.js";

export interface FakeSa {
  readonly connection: string;
  readonly uniqueId: number;
  state: string;
  readonly initiatorSpi: string;
  readonly children: Map<
    number,
    { name: string; local: readonly string[]; remote: readonly string[] }
  >;
}

/** What a command answers, or undefined for `success = yes`. */
type Answer = ViciSection | undefined;

export class FakeCharon {
  readonly path: string;
  readonly connections = new Map<string, ViciTree>();
  /** In the order in which they were loaded: of several that fit, the daemon uses the last. */
  readonly secrets = new Map<string, ViciTree>();
  readonly sas: FakeSa[] = [];
  /** Every command with its message, in order. */
  readonly commands: { readonly name: string; readonly message: ViciTree }[] = [];
  /** Commands that are refused, with the reason. */
  readonly refused = new Map<string, string>();
  /** Changes what is negotiated. */
  narrow: (selectors: readonly string[]) => readonly string[] = (selectors) => selectors;
  /** Whether a peer is there: without one nothing comes up. */
  peer = true;
  private since = 0;
  private nextId = 1;
  private server: Server | undefined;
  private readonly sockets = new Map<Socket, Set<string>>();

  constructor(path: string) {
    this.path = path;
  }

  /** Starts, with nothing loaded. */
  start(): Promise<void> {
    this.since++;
    this.server = createServer((socket) => this.serve(socket));
    return new Promise((resolve) => {
      this.server?.listen(this.path, resolve);
    });
  }

  /** As SIGKILL would: all that it had is gone. */
  async kill(): Promise<void> {
    for (const socket of this.sockets.keys()) socket.destroy();
    this.sockets.clear();
    this.connections.clear();
    this.secrets.clear();
    this.sas.length = 0;
    const { server } = this;
    this.server = undefined;
    if (server !== undefined) await new Promise((resolve) => server.close(resolve));
    rmSync(this.path, { force: true });
  }

  count(command: string): number {
    return this.commands.filter(({ name }) => name === command).length;
  }

  /** An SA as if the peer had begun it. */
  makeSa(connection: string, spi = "00000000000000ff"): FakeSa {
    const sa: FakeSa = {
      connection,
      uniqueId: this.nextId++,
      state: "ESTABLISHED",
      initiatorSpi: spi,
      children: new Map(),
    };
    const children = sectionOf(this.connections.get(connection), "children");
    for (const name of Object.keys(children ?? {})) this.makeChild(sa, name);
    this.sas.push(sa);
    return sa;
  }

  emit(event: string, message: ViciSection): void {
    for (const [socket, events] of this.sockets) {
      if (events.has(event)) socket.write(encodePacket(PacketType.Event, event, message));
    }
  }

  private serve(socket: Socket): void {
    const events = new Set<string>();
    const reader = new SegmentReader();
    this.sockets.set(socket, events);
    socket.on("close", () => this.sockets.delete(socket));
    socket.on("error", () => {});
    socket.on("data", (chunk: Buffer) => {
      for (const segment of reader.push(chunk)) {
        const { type, name, message } = decodePacket(segment);
        if (type === PacketType.Register || type === PacketType.Unregister) {
          if (type === PacketType.Register) events.add(name);
          else events.delete(name);
          socket.write(encodePacket(PacketType.Confirmed, ""));
          continue;
        }
        this.commands.push({ name, message });
        const reason = this.refused.get(name);
        const answer =
          reason === undefined
            ? this.answer(name, message, socket)
            : { success: "no", errmsg: reason };
        socket.write(encodePacket(PacketType.Response, "", answer ?? { success: "yes" }));
      }
    });
  }

  private answer(name: string, message: ViciTree, socket: Socket): Answer {
    switch (name) {
      case "version":
        return { daemon: "fake", version: "5.9.8" };
      case "stats":
        return { uptime: { since: `start ${this.since}` }, plugins: ["vici"] };
      case "load-conn":
        for (const key of Object.keys(message)) {
          const section = sectionOf(message, key);
          if (section !== undefined) this.connections.set(key, section);
        }
        return undefined;
      case "unload-conn":
        this.connections.delete(textOf(message, "name") ?? "");
        return undefined;
      case "get-conns":
        return { conns: [...this.connections.keys()] };
      case "load-shared": {
        const id = textOf(message, "id") ?? "";
        this.secrets.delete(id);
        this.secrets.set(id, message);
        return undefined;
      }
      case "unload-shared":
        this.secrets.delete(textOf(message, "id") ?? "");
        return undefined;
      case "get-shared":
        return { keys: [...this.secrets.keys()] };
      case "list-sas": {
        const ike = textOf(message, "ike");
        for (const sa of this.sas) {
          if (ike !== undefined && sa.connection !== ike) continue;
          socket.write(encodePacket(PacketType.Event, "list-sa", section(sa)));
        }
        return {};
      }
      case "initiate":
        this.initiate(textOf(message, "ike") ?? "", textOf(message, "child") ?? "");
        return undefined;
      case "terminate":
        return this.terminate(message);
      default:
        return undefined;
    }
  }

  private initiate(connection: string, child: string): void {
    if (!this.peer) return;
    let sa = this.sas.find((one) => one.connection === connection && one.state === "ESTABLISHED");
    if (sa === undefined) {
      sa = { ...this.makeSa(connection), children: new Map() };
      this.sas[this.sas.length - 1] = sa;
    }
    this.makeChild(sa, child);
    this.emit("child-updown", { up: "yes", ...section(sa) });
  }

  private terminate(message: ViciTree): Answer {
    const [ikeId, ike, childId] = ["ike-id", "ike", "child-id"].map((key) => textOf(message, key));
    if (childId !== undefined) {
      for (const sa of this.sas) sa.children.delete(Number(childId));
      return undefined;
    }
    const gone = this.sas.filter(
      (sa) => String(sa.uniqueId) === ikeId || (ike !== undefined && sa.connection === ike),
    );
    if (gone.length === 0) return { success: "no", errmsg: "no matching SAs to terminate found" };
    for (const sa of gone) {
      this.sas.splice(this.sas.indexOf(sa), 1);
      this.emit("ike-updown", section(sa));
    }
    return undefined;
  }

  private makeChild(sa: FakeSa, name: string): void {
    const children = sectionOf(this.connections.get(sa.connection), "children");
    const child = sectionOf(children, name);
    sa.children.set(this.nextId++, {
      name,
      local: this.narrow(listOf(child, "local_ts")),
      remote: this.narrow(listOf(child, "remote_ts")),
    });
  }
}

function section(sa: FakeSa): ViciSection {
  const children = [...sa.children].map(([id, { name, local, remote }]) => [
    `${name}-${id}`,
    {
      name,
      uniqueid: String(id),
      state: "INSTALLED",
      "local-ts": local,
      "remote-ts": remote,
      "packets-in": "19",
    },
  ]);
  return {
    [sa.connection]: {
      uniqueid: String(sa.uniqueId),
      version: "2",
      state: sa.state,
      "initiator-spi": sa.initiatorSpi,
      "child-sas": Object.fromEntries(children) as ViciSection,
    },
  };
}
