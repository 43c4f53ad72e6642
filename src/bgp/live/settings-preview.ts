/** What new settings would do to a running speaker, without doing it. */
import { sameSettings } from "../../util/applier.js";
import { diffSettings as diffAny, fileKey, type ChangedKey } from "../../util/settings-diff.js";
import { policyKeys } from "./policy-preview.js";
import type { SettingsEffect } from "../control.js";
import {
  canonicalPeerAddress,
  compareOptions,
  DynamicRanges,
  globalReset,
  OPTION_EFFECTS,
  type PeerStatus,
} from "../session/index.js";
import type { DynamicRange, PeerOptions, PeerSettings, SpeakerSettings } from "../settings.js";

/** What a change of each setting costs; `peers` and `dynamic` are looked at one by one. */
export const SPEAKER_EFFECTS: Readonly<
  Record<keyof SpeakerSettings, SettingsEffect["effect"] | "peers">
> = {
  as: "reset",
  routerId: "reset",
  clusterId: "reset",
  listen: "live",
  peers: "peers",
  dynamic: "peers",
  hostName: "next-session",
  softwareVersion: "next-session",
  compareMobility: "live",
  flushIntervalMs: "live",
  maxHandshakes: "live",
  memoryLimit: "live",
  slowPeers: "live",
  audit: "live",
  acceptRate: "live",
  restart: "restart",
  policies: "live",
  feeds: "live",
};

/** Where settings lie deeper than in the file: the beginning of a key, and as the file has it. */
const FILE_NAMES: readonly (readonly [string, string])[] = [
  ["feeds.", ""],
  ["interest.targets", "route-targets"],
  ["interest.allowed", "allow-route-targets"],
  ["interest.inference-hold", "route-target-inference-hold"],
  ["interest.inference", "route-target-inference"],
  ["interest.default-membership", "default-membership"],
  ["policy.import-policies", "import-policy"],
  ["policy.export-policies", "export-policy"],
  ["policy.import-default", "import-default"],
  ["policy.export-default", "export-default"],
  ["limits.attributes.size", "limits.attribute-octets"],
  ["limits.attributes.", "limits."],
  ["limits.rate.", "limits.update-rate."],
  ["limits.restart", "limits.restart-seconds"],
];

function diffSettings(before: unknown, after: unknown): ChangedKey[] {
  return diffAny(before, after).map((changed) => {
    const [inner, file] = FILE_NAMES.find(([start]) => changed.key.startsWith(start)) ?? ["", ""];
    return { ...changed, key: file + changed.key.slice(inner.length) };
  });
}

/** @param running the peers there are now */
export function previewSettings(
  before: SpeakerSettings,
  after: SpeakerSettings,
  running: readonly PeerStatus[],
): SettingsEffect[] {
  const up = running.filter((peer) => peer.state === "Established");
  return [
    ...globals(before, after, up),
    ...peerEffects(before, after, up),
    ...rangeEffects(before, after, up),
  ];
}

function globals(
  before: SpeakerSettings,
  after: SpeakerSettings,
  up: readonly PeerStatus[],
): SettingsEffect[] {
  const effects: SettingsEffect[] = [];
  const isReset = globalReset(before, after);
  const optionsOf = finder(after);
  for (const name of Object.keys(SPEAKER_EFFECTS) as (keyof SpeakerSettings)[]) {
    const known = SPEAKER_EFFECTS[name];
    const effect = name === "restart" && needsNoRestart(before, after) ? "live" : known;
    if (effect === "peers" || sameSettings(before[name], after[name])) continue;
    const sessions =
      effect !== "reset"
        ? []
        : up.filter((peer) => {
            const options = optionsOf(peer);
            return options !== undefined && isReset({ options }) !== undefined;
          });
    effects.push({
      subject: fileKey(name),
      effect,
      keys:
        name === "policies"
          ? policyKeys(before.policies, after.policies)
          : diffSettings({ [name]: before[name] }, { [name]: after[name] }),
      sessions: sessions.map((peer) => peer.address),
    });
  }
  return effects;
}

/** `restart` counts at the start, but for what is done at the stop. */
export function needsNoRestart(before: SpeakerSettings, after: SpeakerSettings): boolean {
  const { keepOnStop } = after.restart;
  return sameSettings({ ...before.restart, keepOnStop }, after.restart);
}

function peerEffects(
  before: SpeakerSettings,
  after: SpeakerSettings,
  up: readonly PeerStatus[],
): SettingsEffect[] {
  const old = byAddress(before.peers);
  const fresh = byAddress(after.peers);
  const effects: SettingsEffect[] = [];
  for (const [address, options] of old) {
    const next = fresh.get(address);
    const subject = `peer ${address}`;
    const sessions = up.some((peer) => peer.address === address) ? [address] : [];
    if (next === undefined) effects.push({ subject, effect: "removed", keys: [], sessions });
    else if (!compareOptions(options, next).none) {
      const keys = diffSettings(options, next);
      effects.push({ subject, keys, ...costOf(options, next, sessions) });
    }
  }
  for (const address of fresh.keys()) {
    if (old.has(address)) continue;
    // Somebody who was a dynamic peer until now.
    const sessions = up.some((peer) => peer.address === address) ? [address] : [];
    effects.push({ subject: `peer ${address}`, effect: "added", keys: [], sessions });
  }
  return effects;
}

function rangeEffects(
  before: SpeakerSettings,
  after: SpeakerSettings,
  up: readonly PeerStatus[],
): SettingsEffect[] {
  const old = new Map(before.dynamic.map((range) => [range.prefix, range]));
  const fresh = new Map(after.dynamic.map((range) => [range.prefix, range]));
  const ends = endsByRange(before, after, up);
  const effects: SettingsEffect[] = [];
  for (const prefix of new Set([...old.keys(), ...fresh.keys()])) {
    const [range, next] = [old.get(prefix), fresh.get(prefix)];
    const subject = `dynamic ${prefix}`;
    const sessions = ends.get(prefix) ?? [];
    if (range === undefined) effects.push({ subject, effect: "added", keys: [], sessions });
    else if (next === undefined) effects.push({ subject, effect: "removed", keys: [], sessions });
    else {
      const keys = diffSettings(range, next);
      if (keys.length === 0) continue;
      const { effect } = costOf(range, next, sessions);
      effects.push({ subject, keys, effect: sessions.length > 0 ? "reset" : effect, sessions });
    }
  }
  return effects;
}

/** Dynamic peers whose sessions end, by the range that has them afterwards, or had them. */
function endsByRange(
  before: SpeakerSettings,
  after: SpeakerSettings,
  up: readonly PeerStatus[],
): Map<string, string[]> {
  const [old, fresh] = [new DynamicRanges(before.dynamic), new DynamicRanges(after.dynamic)];
  const prefixes = new Map(after.dynamic.map((range) => [range.prefix, range]));
  const kept = new Set(
    before.dynamic
      .filter((range) => sameSettings(range, prefixes.get(range.prefix)))
      .map(({ prefix }) => prefix),
  );
  const ends = new Map<string, string[]>();
  for (const { address } of up.filter((peer) => peer.dynamic)) {
    const [range, next] = [old.find(address), fresh.find(address)];
    if (range === undefined) continue;
    if (next !== undefined && !compareOptions(range, next).needsReset) continue;
    // With the removed one where it falls back to another that stays as it is.
    const { prefix } = next === undefined || kept.has(next.prefix) ? range : next;
    ends.set(prefix, [...(ends.get(prefix) ?? []), address]);
  }
  return ends;
}

/** @param sessions those that end if it comes to a reset */
function costOf(
  before: PeerOptions,
  after: PeerOptions,
  sessions: readonly string[],
): Pick<SettingsEffect, "effect" | "sessions"> {
  const change = compareOptions(before, after);
  if (change.needsReset) return { effect: "reset", sessions };
  const later =
    change.changed.length > 0 &&
    change.changed.every((name) => OPTION_EFFECTS[name] === "next-session");
  return { effect: later ? "next-session" : "live", sessions: [] };
}

/** Options of a running peer under these settings; undefined when it has no place in them. */
function finder(settings: SpeakerSettings): (peer: PeerStatus) => PeerOptions | undefined {
  const peers = byAddress(settings.peers);
  const ranges = new DynamicRanges(settings.dynamic);
  return (peer) => {
    const configured = peers.get(peer.address);
    if (!peer.dynamic) return configured;
    const range: DynamicRange | undefined = ranges.find(peer.address);
    return configured === undefined ? range : undefined;
  };
}

function byAddress(peers: readonly PeerSettings[]): Map<string, PeerSettings> {
  return new Map(peers.map((peer) => [canonicalPeerAddress(peer.address), peer]));
}
