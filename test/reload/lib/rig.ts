/**
 * A reflector with its configuration file and its peers, in memory: everything from the file's text to
 * what each peer holds, but sockets. Peers are our own speaker; they announce what they are given, again
 * when they are asked, and keep what they are sent.
 */
import { Reflector } from "../../../src/bgp/reflector.js";
import { PeerTable } from "../../../src/bgp/session/peer-table.js";
import type {
  Connection,
  EstablishedSession,
  ReflectorSink,
} from "../../../src/bgp/session/types.js";
import {
  speakerAppliers,
  tuningOf,
  type ReflectorTuning,
  type SpeakerParts,
} from "../../../src/bgp/live/speaker-appliers.js";
import { previewSettings } from "../../../src/bgp/live/settings-preview.js";
import type { SpeakerSettings } from "../../../src/bgp/settings.js";
import type { Speaker } from "../../../src/bgp/speaker.js";
import { checkConfig, formatIssue, type ConfigResult } from "../../../src/config/index.js";
import { Family, FAMILIES } from "../../../src/fast-bgp-codec/family.js";
import { FibSwitch } from "../../../src/reload/fib-switch.js";
import { Reloader, type Loaded } from "../../../src/reload/reloader.js";
import { applyAll } from "../../../src/util/applier.js";
import { FEEDS_OFF } from "../../../src/bgp/feeds/index.js";
import { memoryCeiling } from "../../../src/bgp/memory.js";
import { protectionOf } from "../../../src/bgp/transport/index.js";
import { silentLog } from "../../../src/util/log.js";
import { LogLines, Network, peer, settings } from "../../bgp/session/harness.js";
import { decodeMessages } from "../../model/lib/decode.js";
import { KEY_ENVIRONMENT, KEY_FILES } from "./values.js";

export const REFLECTOR = "10.0.0.254";

/** A peer's part: who it is and what it announces, whole UPDATEs by family. */
export interface Role {
  readonly address: string;
  readonly as: number;
  readonly updates: readonly { readonly family: Family; readonly bytes: Uint8Array }[];
}

/** What a peer does with its session: announces, and keeps what it is sent. */
export class Holder implements ReflectorSink {
  /** Route key to octets, next hop and attributes. */
  readonly held = new Map<string, string>();
  /** What a reflector must not do. */
  readonly complaints: string[] = [];
  readonly role: Role;
  /** Between BoRR and EoRR: not sent again yet, by family. */
  private readonly stale = new Map<Family, Set<string>>();

  constructor(role: Role) {
    this.role = role;
  }

  established(session: EstablishedSession): void {
    this.held.clear();
    this.stale.clear();
    for (const { bytes } of this.role.updates) session.send(bytes);
  }

  update(_session: EstablishedSession, bytes: Uint8Array, start: number, end: number): undefined {
    for (const { received } of decodeMessages(bytes.slice(start, end), true)) {
      if (received.kind === "withdraw") {
        for (const key of received.keys) {
          if (!this.held.delete(key)) this.complaints.push(`withdrawn without need: ${key}`);
          for (const keys of this.stale.values()) keys.delete(key);
        }
      } else if (received.kind === "announce") {
        for (const { key, family, nlri, nextHop } of received.routes) {
          this.held.set(key, `${nlri} via ${nextHop} ${received.text}`);
          this.stale.get(family)?.delete(key);
        }
      }
    }
    return undefined;
  }

  routeRefresh(session: EstablishedSession, family: Family, subtype: number): void {
    if (subtype === 0) {
      for (const one of this.role.updates) if (one.family === family) session.send(one.bytes);
    } else if (subtype === 1) {
      const keys = [...this.held.keys()].filter((key) => key.startsWith(`${family}:`));
      this.stale.set(family, new Set(keys));
    } else {
      for (const key of this.stale.get(family) ?? []) this.complaints.push(`not refreshed: ${key}`);
      this.stale.delete(family);
    }
  }

  drained(): void {}

  closed(): void {
    this.held.clear();
    this.stale.clear();
  }
}

export class Rig {
  readonly network = new Network();
  readonly reflector: Reflector;
  readonly peers: PeerTable;
  readonly fib: FibSwitch;
  readonly reloader: Reloader;
  readonly log = new LogLines();
  readonly holders = new Map<string, Holder>();
  private readonly told: Told;
  private readonly tuning: ReflectorTuning;
  /** What the file holds at the next reload. */
  text: string;

  constructor(text: string, roles: readonly Role[]) {
    this.text = text;
    const initial = loaded(load(text));
    const { network } = this;
    const { clock } = network;
    const tuning = {
      ...tuningOf(initial.settings.speaker),
      compareMobility: initial.settings.speaker.compareMobility,
      log: this.log,
      clock,
      soon: (run: () => void) => void clock.setTimer(0, run),
    };
    this.reflector = new Reflector(tuning);
    const { reflector } = this;
    reflector.policies.configure(initial.settings.speaker.policies);
    this.peers = this.table(REFLECTOR, initial.settings.speaker, reflector);
    let current = initial.settings.speaker;
    this.told = new Told(current);
    this.tuning = tuning;
    const parts = {
      ...{ peers: this.peers, reflector, tuning, instanceKeys: () => new Map() },
      ...this.told.parts(),
    };
    const appliers = speakerAppliers(parts as unknown as SpeakerParts);
    const speaker: Pick<
      Speaker,
      "table" | "attachReader" | "detachReader" | "holds" | "localRoutes"
    > = {
      table: reflector.table,
      localRoutes: reflector.localRoutes,
      attachReader: (reader) => reflector.attachReader(reader),
      detachReader: (reader) => reflector.detachReader(reader),
      holds: {
        setScreen: (screen) => reflector.policies.setScreen(screen),
        reconsider: (dests) => reflector.policies.reconsiderAll(dests),
      },
    };
    this.fib = new FibSwitch(speaker, clock, initial.settings.fib);
    this.reloader = new Reloader({
      file: "rig.yaml",
      load: (candidate) => load(candidate ?? this.text),
      initial,
      appliers: [
        {
          name: "speaker",
          apply: async (_before, after) => {
            const before = current;
            current = after.speaker;
            return applyAll(appliers, before, after.speaker);
          },
        },
        this.fib,
      ],
      preview: (after) =>
        Promise.resolve(previewSettings(current, after.speaker, this.peers.views())),
      log: this.log,
      clock,
    });
    for (const role of roles) this.addPeer(role);
    this.peers.start();
    this.settle();
  }

  /** Long enough for every session that can come up, and for every route to arrive. */
  settle(): void {
    this.network.advance(8000);
  }

  async reload(text: string): Promise<readonly string[]> {
    const lines = await this.reloadInHurry(text);
    this.settle();
    return lines;
  }

  /** What is under way at that moment stays so: tables being sent, refreshes, sessions coming up. */
  async reloadInHurry(text: string): Promise<readonly string[]> {
    this.text = text;
    const { ok, lines } = await this.reloader.reload();
    if (!ok) throw new Error(`refused: ${lines.join("; ")}\n${text}`);
    return lines;
  }

  /** Address to session id of everybody who is up. */
  sessions(): Map<string, number> {
    const ids = new Map<string, number>();
    for (const { address } of this.peers.views()) {
      const session = this.peers.session(address);
      if (session !== undefined) ids.set(address, session.id);
    }
    return ids;
  }

  /** Everything that a fresh start with the same file must give, too. */
  async state(): Promise<Record<string, unknown>> {
    const state: Record<string, unknown> = {};
    for (const { address, holdTime } of this.peers.views()) {
      const session = this.peers.session(address);
      const peerHere = session === undefined ? undefined : this.reflector.peer(session.id);
      if (session === undefined || peerHere === undefined) continue;
      const { sources } = this.reflector;
      state[address] = {
        options: session.options,
        holdTime,
        families: session.negotiated.families,
        accepted: FAMILIES.map(({ family }) => sources.count(peerHere.slot, family)),
      };
    }
    for (const [address, { held }] of this.holders) {
      const limits = this.peers.session(address)?.options.limits.out ?? [];
      // Which routes a limit lets through is a matter of their order: how many is not.
      state[`held by ${address}`] =
        limits.length === 0 ? Object.fromEntries([...held].sort()) : held.size;
    }
    const { as, routerId, clusterId, flushIntervalMs } = this.tuning;
    state["tuning"] = { as, routerId, clusterId, flushIntervalMs };
    state["told"] = this.told.told;
    state["fib"] = await this.macs();
    state["settings"] = this.reloader.settings;
    return state;
  }

  complaints(): string[] {
    return [
      ...this.reflector.audit(),
      ...[...this.holders].flatMap(([address, holder]) =>
        holder.complaints.splice(0).map((text) => `${address}: ${text}`),
      ),
    ];
  }

  /** MAC and place, without what only time tells. */
  private async macs(): Promise<string[] | undefined> {
    const page = await this.fib.control?.macs({ limit: 1000 });
    return page?.rows
      .map((row) =>
        JSON.stringify(row, (name, value: unknown) => (HISTORY.has(name) ? undefined : value)),
      )
      .sort();
  }

  private addPeer(role: Role): void {
    const holder = new Holder(role);
    this.holders.set(role.address, holder);
    const own = settings({
      as: role.as,
      routerId: role.address,
      clusterId: role.address,
      peers: [
        peer(REFLECTOR, {
          peerAs: 65000,
          families: [Family.Evpn, Family.Ipv4Unicast],
          connectRetry: 1,
          idleHold: 1,
          idleHoldMax: 1,
          ebgpAcceptIn: true,
          ebgpAcceptOut: true,
        }),
      ],
    });
    this.table(role.address, own, holder).start();
  }

  private table(address: string, own: SpeakerSettings, sink: ReflectorSink): PeerTable {
    const { network } = this;
    const dialer = network.dialer(address);
    const table = new PeerTable({
      settings: own,
      dialer: {
        dial: (target, connected, failed) =>
          dialer.dial(target, (connection) => connected(live(connection)), failed),
      },
      sink,
      log: address === REFLECTOR ? this.log : silentLog,
      clock: network.clock,
      random: () => 1,
      afterPoll: network.clock.afterPoll,
    });
    network.listeners.set(address, (connection) => table.accept(live(connection)));
    return table;
  }
}

/** Sockets of this network take any option while they are up. */
function live(connection: Connection): Connection {
  return Object.assign(connection, { rekey: () => true, protect: () => true });
}

/** Parts of a speaker that are not here: what each was told last is compared. */
class Told {
  readonly told: Record<string, unknown>;

  constructor(initial: SpeakerSettings) {
    this.told = {
      listen: initial.listen,
      protection: protectionOf(initial),
      feeds: initial.feeds ?? FEEDS_OFF,
      slowPeers: initial.slowPeers,
      audit: initial.audit,
      memory: memoryCeiling(initial.memoryLimit),
    };
  }

  parts() {
    const tell = (name: string) => (value: unknown) => {
      this.told[name] = value;
      return [];
    };
    return {
      listener: {
        prepare: () => Promise.resolve(),
        discard: () => Promise.resolve(),
        relisten: tell("listen"),
        protect: tell("protection"),
      },
      feeds: { apply: tell("feeds") },
      slowPeers: { configure: tell("slowPeers") },
      auditor: { configure: tell("audit") },
      memory: { setLimit: tell("memory") },
    };
  }
}

const HISTORY = new Set(["id", "domainId", "moves", "firstSeen", "lastChange"]);

/** What differs between the rig and a fresh start with the same text, and what either complains of. */
export async function compareWithFreshStart(rig: Rig, text: string): Promise<string[]> {
  const fresh = new Rig(
    text,
    [...rig.holders.values()].map(({ role }) => role),
  );
  return [
    ...rig.complaints(),
    ...fresh.complaints().map((line) => `fresh start: ${line}`),
    ...differences(await rig.state(), await fresh.state()),
  ];
}

const SHOWN = 20;

/** Where two states differ: what runs, and what a fresh start has. */
function differences(running: unknown, fresh: unknown, path = ""): string[] {
  if (JSON.stringify(running) === JSON.stringify(fresh)) return [];
  if (!isObject(running) || !isObject(fresh)) {
    return [`${path}: ${JSON.stringify(running)} runs, ${JSON.stringify(fresh)} after a start`];
  }
  const names = new Set([...Object.keys(running), ...Object.keys(fresh)]);
  return [...names]
    .flatMap((name) => differences(running[name], fresh[name], `${path} > ${name}`))
    .slice(0, SHOWN);
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null;
}

export function load(text: string): ConfigResult {
  const secrets = {
    env: KEY_ENVIRONMENT,
    directory: "/etc/evpnd",
    readFile: (path: string) => {
      const text = KEY_FILES[path];
      if (text !== undefined) return { text, mode: 0o600 };
      throw Object.assign(new Error("no such file"), { code: "ENOENT" });
    },
  };
  return checkConfig(text, "rig.yaml", { secrets, hostName: "rig", version: "0" });
}

function loaded(result: ConfigResult): Loaded {
  if (result.ok) return result;
  throw new Error(result.issues.map(formatIssue).join("\n"));
}
