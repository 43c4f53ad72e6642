/** What another configuration would do to what runs: section by section, as data and in words. */
import type { ConfigChange } from "../api/index.js";
import type { DaemonSettings } from "../config/index.js";
import { sameSettings } from "../util/applier.js";
import { describeKey, diffSettings } from "../util/settings-diff.js";

type Section = Exclude<keyof DaemonSettings, "speaker">;

/** What a change of each section costs; the speaker knows its own. A new section gets its row here. */
export const SECTION_EFFECTS: Readonly<Record<Section, ConfigChange["effect"]>> = {
  fib: "live",
  injection: "live",
  ipsec: "live",
  radius: "live",
  subscribers: "live",
  asmn: "live",
  http: "live",
  log: "live",
  // A process cannot take back the rights it gave up.
  user: "restart",
  group: "restart",
};

export function sectionChanges(before: DaemonSettings, after: DaemonSettings): ConfigChange[] {
  return changesOf(Object.keys(SECTION_EFFECTS) as Section[], before, after);
}

/** Those alone that wait for a restart. */
export function restartChanges(before: DaemonSettings, after: DaemonSettings): ConfigChange[] {
  const names = Object.keys(SECTION_EFFECTS) as Section[];
  return changesOf(
    names.filter((name) => SECTION_EFFECTS[name] === "restart"),
    before,
    after,
  );
}

function changesOf(
  names: readonly Section[],
  before: DaemonSettings,
  after: DaemonSettings,
): ConfigChange[] {
  const changes: ConfigChange[] = [];
  for (const name of names) {
    const [a, b] = [before[name], after[name]];
    if (sameSettings(a, b)) continue;
    const whole = typeof a !== "object" || typeof b !== "object";
    const keys = whole ? [] : diffSettings(a, b);
    const effect = a === undefined ? "added" : b === undefined ? "removed" : SECTION_EFFECTS[name];
    const restart = SECTION_EFFECTS[name] === "restart";
    changes.push({ subject: name, effect: restart ? "restart" : effect, keys, sessions: [] });
  }
  return changes;
}

const WORDS: Readonly<Record<ConfigChange["effect"], string>> = {
  added: "starts",
  removed: "goes",
  reset: "session reset",
  live: "applies live",
  "next-session": "from the next session on",
  restart: "needs a restart of evpnd",
};

const NAMED_SESSIONS = 5;

/** `peer 10.0.0.1: session reset: hold-time 90 -> 30`, one line a change. */
export function describeChange({ subject, effect, keys, sessions }: ConfigChange): string {
  const what = keys.length === 0 ? "" : `: ${keys.map(describeKey).join(", ")}`;
  const few = sessions.slice(0, NAMED_SESSIONS).join(", ");
  const more = sessions.length - NAMED_SESSIONS;
  const ending =
    sessions.length === 0
      ? ""
      : `; ${sessions.length === 1 ? "1 session ends" : `${sessions.length} sessions end`}: ${few}${more > 0 ? ` and ${more} more` : ""}`;
  return `${subject}: ${WORDS[effect]}${what}${ending}`;
}
