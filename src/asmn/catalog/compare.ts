/** What a new catalog changes, entry by entry: for an operator to read before it is applied. */
import { entryText, type Catalog, type CatalogEntry } from "./model.js";
import { rateText } from "./words.js";

export interface CatalogChange {
  readonly kind: "added" | "removed" | "changed";
  /** `entry`, `network`, `alarm` or `abnormal`. */
  readonly part: "entry" | "network" | "alarm" | "abnormal";
  /** Which one: `pe1 > rr tcp 179`. */
  readonly name: string;
  /** Before and after, for people; empty where there was or is none. */
  readonly before: string;
  readonly after: string;
}

/** @param before undefined: there was none */
export function compareCatalogs(before: Catalog | undefined, after: Catalog): CatalogChange[] {
  return [
    ...changes("abnormal", abnormalOf(before), abnormalOf(after)),
    ...changes("network", networksOf(before), networksOf(after)),
    ...changes("entry", entriesOf(before), entriesOf(after)),
    ...changes("alarm", alarmsOf(before), alarmsOf(after)),
  ];
}

export function limitsText(entry: CatalogEntry): string {
  const { rate, burst, packets, opens, connections, answers } = entry;
  return [
    rate === undefined ? "any rate" : `${rateText(rate)} burst ${burst}`,
    ...(packets === undefined ? [] : [`${packets} packets/s`]),
    ...(opens === undefined ? [] : [`${opens} SYN/s`]),
    ...(connections === undefined ? [] : [`${connections} connections`]),
    ...(answers ? [] : ["no answers"]),
  ].join(", ");
}

function changes(
  part: CatalogChange["part"],
  before: ReadonlyMap<string, string>,
  after: ReadonlyMap<string, string>,
): CatalogChange[] {
  const names = [...new Set([...before.keys(), ...after.keys()])];
  return names.flatMap((name): CatalogChange[] => {
    const [was, is] = [before.get(name), after.get(name)];
    if (was === is) return [];
    const kind = was === undefined ? "added" : is === undefined ? "removed" : "changed";
    return [{ kind, part, name, before: was ?? "", after: is ?? "" }];
  });
}

function abnormalOf(catalog: Catalog | undefined): Map<string, string> {
  return new Map(catalog?.abnormal === undefined ? [] : [["default action", catalog.abnormal]]);
}

function networksOf(catalog: Catalog | undefined): Map<string, string> {
  return new Map(catalog?.networks.map(({ name, prefixes }) => [name, prefixes.join(" ")]));
}

function entriesOf(catalog: Catalog | undefined): Map<string, string> {
  return new Map(catalog?.entries.map((entry) => [entryText(entry), limitsText(entry)]));
}

function alarmsOf(catalog: Catalog | undefined): Map<string, string> {
  return new Map(catalog?.alarms.map((alarm) => [alarm.name, JSON.stringify(alarm)]));
}
