/** The tables of docs/reload.md: what a change of each option costs, found by making the change. */
import {
  compareOptions,
  OPTION_EFFECTS,
  type OptionEffect,
} from "../../../src/bgp/session/index.js";
import { previewSettings } from "../../../src/bgp/live/settings-preview.js";
import type { SettingsEffect } from "../../../src/bgp/control.js";
import type { PeerOptions } from "../../../src/bgp/settings.js";
import { formatIssue, type DaemonSettings } from "../../../src/config/index.js";
import { sectionChanges } from "../../../src/reload/changes.js";
import { load } from "../../reload/lib/rig.js";
import { OPTION_VALUES, TOP_VALUES } from "../../reload/lib/values.js";

const PEER_WORDS: Readonly<Record<OptionEffect, string>> = {
  live: "at once",
  in: "at once; the peer's routes are looked at again, or asked for by route refresh",
  out: "at once; the peer is sent the difference",
  resend: "at once; the peer is sent its routes again",
  kind: "at once; who gets the peer's routes, and what it gets, is worked out again",
  socket: "at once, on the connection that is up",
  "next-session": "from the peer's next session on",
  reset: "**session reset**",
};

const TOP_WORDS: Readonly<Record<SettingsEffect["effect"], string>> = {
  live: "at once",
  added: "at once",
  removed: "at once",
  "next-session": "from each peer's next session on",
  reset: "**session reset**, of all peers it counts for",
  restart: "when evpnd starts next",
};

const TOP_ALONE: Readonly<Record<string, string>> = {
  as: TOP_WORDS.reset,
  peers: "one that comes or goes: that session; else by option, below",
  "peer-groups": "by option, below, at those that have it from there",
  "dynamic-peers": "peers that have no place any more, or another's options that take a reset",
};

export function renderEffects(): string {
  const top = [
    ...Object.entries(TOP_ALONE),
    ...Object.entries(TOP_VALUES).map(([name, values]) => [name, topWords(name, values)] as const),
  ].sort(([a], [b]) => a.localeCompare(b));
  const options = Object.entries(OPTION_VALUES)
    .map(([name, values]) => [name, optionWords(name, values)] as const)
    .sort(([a], [b]) => a.localeCompare(b));
  return [
    "### Keys at the top",
    table("key", top),
    "### Options of peers, groups and ranges",
    table("option", options),
  ].join("\n\n");
}

function topWords(name: string, values: readonly unknown[]): string {
  // Both with a peer that has a key of a chain.
  const base = { peers: [{ address: "10.0.0.1", "tcp-ao": "fabric" }], "key-chains": CHAINS };
  const found = new Set<string>();
  for (const [before, after] of pairs(values)) {
    const a = settingsOf(before === undefined ? base : { ...base, [name]: before });
    const b = settingsOf({ ...base, [name]: after });
    for (const { subject, effect } of [
      ...previewSettings(a.speaker, b.speaker, []),
      ...sectionChanges(a, b),
    ]) {
      found.add(subject.startsWith("peer ") ? PEER_WORDS.socket : TOP_WORDS[effect]);
    }
  }
  return [...found].join(", or ") || "at once";
}

function optionWords(name: string, values: readonly unknown[]): string {
  const found = new Map<OptionEffect, Set<"toggled" | "changed">>();
  for (const [before, after] of pairs([...values, ...(OTHERS[name] ?? [])])) {
    const [a, b] = [optionsOf(name, before), optionsOf(name, after)];
    const { changed, needsReset } = compareOptions(a, b);
    const way = before === undefined || after === undefined ? "toggled" : "changed";
    const effects = needsReset ? (["reset"] as const) : changed.map((one) => OPTION_EFFECTS[one]);
    for (const effect of effects) found.set(effect, (found.get(effect) ?? new Set()).add(way));
  }
  const [only] = found.keys();
  if (only === undefined) throw new Error(`no value of ${name} differs from its default`);
  if (found.size === 1 && only !== undefined) return PEER_WORDS[only];
  return [...found]
    .map(([effect, ways]) =>
      ways.has("changed")
        ? `another one: ${PEER_WORDS[effect]}`
        : `set or taken away: ${PEER_WORDS[effect]}`,
    )
    .join("; ");
}

/** Values that would keep peers of the reload tests down. */
const OTHERS: Readonly<Record<string, readonly unknown[]>> = { "peer-as": [65009], port: [1790] };

const CHAINS = TOP_VALUES["key-chains"][0];

function optionsOf(name: string, value: unknown): PeerOptions {
  const settings = settingsOf({
    "key-chains": CHAINS,
    policies: TOP_VALUES.policies[0],
    asmn: TOP_VALUES.asmn[0],
    "dynamic-peers": [{ prefix: "10.0.0.0/8", "peer-as": 65001, [name]: value }],
  });
  const range = settings.speaker.dynamic[0];
  if (range === undefined) throw new Error(`no value of ${name} is usable`);
  return range;
}

function settingsOf(data: object): DaemonSettings {
  const result = load(JSON.stringify({ as: 65000, "router-id": "10.0.0.254", ...data }));
  if (result.ok) return result.settings;
  throw new Error(result.issues.map(formatIssue).join("\n"));
}

/** From nothing to each, and from each to the next. */
function pairs(values: readonly unknown[]): (readonly [unknown, unknown])[] {
  return [
    ...values.map((value) => [undefined, value] as const),
    ...values.slice(1).map((value, index) => [values[index], value] as const),
  ];
}

function table(title: string, rows: readonly (readonly [string, string])[]): string {
  const lines = rows.map(([name, words]) => `| \`${name}\` | ${words} |`);
  return [`| ${title} | a change is in force |`, "| --- | --- |", ...lines].join("\n");
}
