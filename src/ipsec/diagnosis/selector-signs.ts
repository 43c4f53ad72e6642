/**
 * Signs of networks that do not match: the log lines of a refusal, and what was negotiated against what was
 * configured. Merged networks on one side (10.0.0.0/24 and 10.0.1.0/24 as 10.0.0.0/23) have a name of their own.
 */
import {
  joinRanges,
  parseRange,
  rangesOutside,
  type AddressRange,
  type Selector,
} from "../model/index.js";
import type { Sign } from "./fault.js";

/** @param far what the other end is configured with, seen from this one; undefined when not known */
export function selectorSign(
  text: string,
  own: readonly Selector[],
  far: readonly Selector[] | undefined,
): Sign | undefined {
  const refusedHere =
    /^traffic selectors (.*?) ?=== ?(.*?) unacceptable/.exec(text) ??
    /^no matching CHILD_SA config found for (.*?) ?=== ?(.*)$/.exec(text);
  const refusedThere =
    /^received TS_UNACCEPTABLE|^received INVALID_ID_INFORMATION|^no acceptable traffic selectors found/.test(
      text,
    );
  if (refusedHere === null && !refusedThere) return undefined;
  const theirs =
    refusedHere === null
      ? far && networks(far)
      : `${refusedHere[1]!.trim()} === ${refusedHere[2]!.trim()}`;
  const asked = refusedHere === null ? far : [askedFor(refusedHere[1]!, refusedHere[2]!)];
  const merged = asked !== undefined && isMerged(own, asked);
  return {
    code: merged ? "summarised-networks" : "selectors",
    certain: asked !== undefined,
    text: merged
      ? "one end has merged networks that the other has one by one"
      : "the networks of the two ends do not match",
    ours: networks(own),
    theirs,
  };
}

/** What came of narrowing: configured networks that no SA covers. */
export function narrowingSign(
  own: readonly Selector[],
  uncovered: readonly string[],
  negotiated: string,
): Sign | undefined {
  if (uncovered.length === 0) return undefined;
  return {
    code: "summarised-networks",
    certain: true,
    text: `the SA is up with fewer networks than configured; not covered: ${uncovered.join(", ")}`,
    ours: networks(own),
    theirs: negotiated,
  };
}

export function networks(selectors: readonly Selector[]): string {
  return selectors.map(({ local, remote }) => `${local} === ${remote}`).join(", ");
}

function askedFor(local: string, remote: string): Selector {
  const first = (text: string): string => text.trim().split(/\s+/)[0]?.replace(/\[.*$/, "") ?? "";
  return { local: first(local), remote: first(remote), protocol: 0, localPort: 0, remotePort: 0 };
}

/** On one side or the other, one list contains the other or has the same addresses, in other pieces. */
function isMerged(own: readonly Selector[], far: readonly Selector[]): boolean {
  return differsInForm(own, far, "local") || differsInForm(own, far, "remote");
}

function differsInForm(
  own: readonly Selector[],
  far: readonly Selector[],
  which: "local" | "remote",
): boolean {
  const [a, b] = [rangesOf(own, which), rangesOf(far, which)];
  if (a.length === 0 || b.length === 0) return false;
  const within = rangesOutside(a, b).length === 0 || rangesOutside(b, a).length === 0;
  if (!within) return false;
  const texts = (list: readonly Selector[]): string =>
    [...new Set(list.map((one) => one[which]))].sort().join(" ");
  return texts(own) !== texts(far);
}

function rangesOf(list: readonly Selector[], which: "local" | "remote"): AddressRange[] {
  return joinRanges(
    list.flatMap((one) => {
      const range = parseRange(one[which]);
      return range === undefined ? [] : [range];
    }),
  );
}
