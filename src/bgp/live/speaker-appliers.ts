/**
 * What of a running speaker follows a change of its settings: the list. Each part gets the settings
 * before and after; what may fail goes into its `prepare` (see util/applier.ts). A new section of
 * `SpeakerSettings` gets an applier here, and its row in `SPEAKER_EFFECTS` (settings-preview.ts).
 */
import { sameSettings, type Applier } from "../../util/applier.js";
import { FEEDS_OFF, type Feeds } from "../feeds/index.js";
import type { Auditor } from "../audit/index.js";
import type { MemoryGuard } from "../limits/memory-guard.js";
import { memoryCeiling } from "../memory.js";
import type { Reflector } from "../reflector.js";
import type { SlowPeers } from "../slow-peers.js";
import type { PeerTable } from "../session/index.js";
import type { SpeakerSettings } from "../settings.js";
import { protectionOf, type Listener } from "../transport/index.js";
import { keyed } from "../trust/keys.js";
import { needsNoRestart } from "./settings-preview.js";

/** What the reflector reads of the settings at each use; changed in place. */
export interface ReflectorTuning {
  as: number;
  routerId: number;
  clusterId: number;
  flushIntervalMs: number;
}

export interface SpeakerParts {
  readonly listener: Listener;
  readonly peers: PeerTable;
  readonly reflector: Reflector;
  readonly tuning: ReflectorTuning;
  readonly feeds: Feeds;
  readonly slowPeers: SlowPeers;
  readonly auditor: Auditor;
  readonly memory: MemoryGuard;
  /** TCP MD5 keys of trusted instances, by address. */
  readonly instanceKeys: () => ReadonlyMap<string, string>;
}

type SpeakerApplier = Applier<SpeakerSettings>;

export function speakerAppliers(parts: SpeakerParts): readonly SpeakerApplier[] {
  const { listener, peers, reflector, tuning, feeds, slowPeers, auditor, memory } = parts;
  return [
    listening(listener),
    {
      name: "keys and TTL of the listeners",
      apply(_before, after) {
        const problems = listener.protect(keyed(protectionOf(after), parts.instanceKeys()));
        if (problems.length > 0) throw new Error(problems.join("; "));
        return [];
      },
    },
    {
      name: "memory-limit",
      apply(before, after) {
        if (sameSettings(before.memoryLimit, after.memoryLimit)) return [];
        memory.setLimit(memoryCeiling(after.memoryLimit));
        return ["memory-limit: in force"];
      },
    },
    {
      name: "slow peers and audit",
      apply(before, after) {
        const lines: string[] = [];
        if (!sameSettings(before.slowPeers, after.slowPeers)) {
          slowPeers.configure(after.slowPeers);
          lines.push("slow-peers: in force");
        }
        if (!sameSettings(before.audit, after.audit)) {
          auditor.configure(after.audit);
          lines.push("audit: in force");
        }
        return lines;
      },
    },
    {
      // Before the peers: the sessions that it resets come back with the new identity.
      name: "identity",
      apply(before, after) {
        Object.assign(tuning, tuningOf(after));
        if (before.as !== after.as || before.routerId !== after.routerId)
          reflector.localRoutes.reidentify();
        return (["as", "routerId", "clusterId", "flushIntervalMs"] as const)
          .filter((name) => before[name] !== after[name])
          .map((name) => `${NAMES[name]} ${after[name]}`);
      },
    },
    {
      // Sessions that come up from here on have the new rules; those that are up, below.
      name: "policies",
      apply(_before, after) {
        reflector.policies.configure(after.policies);
        return [];
      },
    },
    {
      name: "accept-rate",
      apply: (before, after) =>
        before.acceptRate === after.acceptRate ? [] : [`accept-rate ${after.acceptRate}`],
    },
    {
      name: "restart",
      apply(before, after) {
        if (sameSettings(before.restart, after.restart)) return [];
        const now = needsNoRestart(before, after);
        return [now ? "restart: on-stop in force" : "restart: counts when evpnd starts next"];
      },
    },
    { name: "peers", apply: (_before, after) => peers.applySettings(after) },
    { name: "rules of sessions", apply: () => reflector.policies.refresh() },
    {
      // Behind the identity, which collectors are told.
      name: "feeds",
      apply: (before, after) =>
        feeds.apply(
          after.feeds ?? FEEDS_OFF,
          before.as !== after.as || before.routerId !== after.routerId,
        ),
    },
    {
      name: "compare-mobility",
      apply(before, after) {
        if (before.compareMobility === after.compareMobility) return [];
        reflector.compareMobility(after.compareMobility);
        return [`compare-mobility ${String(after.compareMobility)}: best paths are chosen again`];
      },
    },
    {
      name: "capabilities",
      apply: (before, after) =>
        before.hostName === after.hostName && before.softwareVersion === after.softwareVersion
          ? []
          : ["host name and software version: each peer is told in its next session"],
    },
  ];
}

export function tuningOf(settings: SpeakerSettings): ReflectorTuning {
  return {
    as: settings.as,
    routerId: dottedQuad(settings.routerId),
    clusterId: dottedQuad(settings.clusterId),
    flushIntervalMs: settings.flushIntervalMs,
  };
}

const NAMES = {
  as: "as",
  routerId: "router-id",
  clusterId: "cluster-id",
  flushIntervalMs: "flush-interval-ms",
} as const;

function listening(listener: Listener): SpeakerApplier {
  return {
    name: "listen",
    async prepare(before, after) {
      if (sameSettings(before.listen, after.listen)) return undefined;
      await listener.prepare(after.listen);
      return () => listener.discard();
    },
    apply: (before, after) =>
      sameSettings(before.listen, after.listen) ? [] : listener.relisten(after.listen),
  };
}

/** A dotted quad as an unsigned number. */
function dottedQuad(text: string): number {
  return text.split(".").reduce((value, octet) => (value * 256 + Number(octet)) >>> 0, 0);
}
