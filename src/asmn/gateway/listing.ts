/** Reads what `nft -j list …` says of the gateway's table. */
import type { CounterName } from "./names.js";

export interface Count {
  readonly packets: number;
  readonly octets: number;
}

export interface TableListing {
  readonly rules: number;
  readonly chains: number;
  readonly sets: number;
  readonly counters: ReadonlyMap<string, Count>;
}

interface NftObject {
  readonly rule?: object;
  readonly chain?: object;
  readonly set?: NftSet;
  readonly map?: NftSet;
  readonly counter?: { readonly name: string; readonly packets: number; readonly bytes: number };
}

interface NftSet {
  readonly name: string;
  readonly elem?: readonly NftElement[];
}

type NftValue =
  | string
  | number
  | { readonly concat: readonly NftValue[] }
  | { readonly prefix: { readonly addr: string; readonly len: number } };

type NftElement =
  | NftValue
  | {
      readonly elem: {
        readonly val: NftValue;
        readonly counter?: { readonly packets: number; readonly bytes: number };
      };
    };

const NONE: Count = { packets: 0, octets: 0 };

/** Of `-j -t list table`: no elements. */
export function readTable(text: string): TableListing {
  const objects = objectsOf(text);
  const counters = objects.flatMap(({ counter }): [string, Count][] =>
    counter === undefined
      ? []
      : [[counter.name, { packets: counter.packets, octets: counter.bytes }]],
  );
  return {
    rules: objects.filter(({ rule }) => rule !== undefined).length,
    chains: objects.filter(({ chain }) => chain !== undefined).length,
    sets: objects.filter(({ set, map }) => (set ?? map) !== undefined).length,
    counters: new Map(counters),
  };
}

/** Of `-j list set`: elements as they were written (`a . b . 6 . 179`), with what they counted. */
export function readElements(text: string): Map<string, Count> {
  const set = objectsOf(text).find((one) => one.set !== undefined)?.set;
  return new Map(
    (set?.elem ?? []).map((one): [string, Count] => {
      if (typeof one !== "object" || !("elem" in one)) return [valueText(one), NONE];
      const { val, counter } = one.elem;
      return [valueText(val), { packets: counter?.packets ?? 0, octets: counter?.bytes ?? 0 }];
    }),
  );
}

export function countOf(listing: TableListing, name: CounterName): Count {
  return listing.counters.get(name) ?? NONE;
}

function objectsOf(text: string): readonly NftObject[] {
  if (text.trim() === "") return [];
  return (JSON.parse(text) as { readonly nftables: readonly NftObject[] }).nftables;
}

function valueText(value: NftValue): string {
  if (typeof value !== "object") return String(value);
  if ("concat" in value) return value.concat.map(valueText).join(" . ");
  return `${value.prefix.addr}/${value.prefix.len}`;
}
