/**
 * Plain data on its way between threads in pieces, so that whoever takes it over can do so in slices: to take over a
 * large structure at once holds a thread for a tenth of a second and more. The order of members is kept, and so are
 * members that are there and undefined; what is referred to from several places may be there several times.
 *
 * Containers are numbered in the order in which they are named. A piece fills one of them: with values as they
 * are, and with the names of larger ones, which pieces behind it fill.
 */
import { deserialize, serialize } from "node:v8";
import { GiveWay } from "./give-way.js";

/** Values of one piece: about a millisecond's work. */
const PIECE = 2000;
const SLICE_MS = 2;

const Kind = { Value: 0, Object: 1, Array: 2, Known: 3 } as const;

/** Behind a key: a value; nothing, for a container that has its number from here on; the number of a known one. */
type Entry = readonly [key: string | number, kind: number, value?: unknown];

interface Piece {
  /** Which container. */
  readonly at: number;
  readonly entries: readonly Entry[];
}

/** @param most values in one piece */
export function toPieces(data: unknown, most = PIECE): Uint8Array<ArrayBuffer>[] {
  const out: Uint8Array<ArrayBuffer>[] = [];
  const containers: object[] = [{ data }];
  const numbers = new Map<unknown, number>();
  for (let at = 0; at < containers.length; at++) {
    let entries: Entry[] = [];
    let weight = 0;
    const flush = (): void => {
      if (entries.length > 0) out.push(packed({ at, entries }));
      entries = [];
      weight = 0;
    };
    for (const [key, value] of members(containers[at]!)) {
      const values = weigh(value, most);
      const isLarge = values > most;
      const known = isLarge ? numbers.get(value) : undefined;
      if (weight + (isLarge ? 1 : values) > most) flush();
      weight += isLarge ? 1 : values;
      if (!isLarge) entries.push([key, Kind.Value, value]);
      else if (known !== undefined) entries.push([key, Kind.Known, known]);
      else {
        numbers.set(value, containers.length);
        containers.push(value as object);
        entries.push([key, Array.isArray(value) ? Kind.Array : Kind.Object]);
      }
    }
    flush();
  }
  return out;
}

/**
 * The data again, put together in slices.
 * @param finish called with every value, and at last with every larger container, when it is complete
 */
export async function fromPieces<T>(
  pieces: readonly Uint8Array[],
  finish: (value: unknown) => void = () => {},
): Promise<T> {
  const root: { data?: T } = {};
  const containers: object[] = [root];
  const others = new GiveWay(SLICE_MS);
  for (const one of pieces) {
    const { at, entries } = deserialize(one) as Piece;
    for (const [key, kind, value] of entries) {
      if (kind === Kind.Value) finish(value);
      put(containers[at]!, key, valueOf(containers, kind, value));
    }
    await others.turn();
  }
  for (const one of containers.slice(1).reverse()) finish(one);
  return root.data as T;
}

function valueOf(containers: object[], kind: number, value: unknown): unknown {
  if (kind === Kind.Value) return value;
  if (kind === Kind.Known) return containers[value as number];
  const made = kind === Kind.Array ? [] : {};
  containers.push(made);
  return made;
}

function put(container: object, key: string | number, value: unknown): void {
  if (key !== "__proto__") (container as Record<string | number, unknown>)[key] = value;
  else {
    const own = { value, enumerable: true, writable: true, configurable: true };
    Object.defineProperty(container, key, own);
  }
}

function members(container: object): Iterable<[string | number, unknown]> {
  return Array.isArray(container) ? container.entries() : Object.entries(container);
}

/** Values in it, itself included; counted as far as `most` and no further. Only blocks and lists can be cut. */
function weigh(value: unknown, most: number): number {
  let weight = 1;
  if (!canBeCut(value)) return weight;
  for (const [, member] of members(value)) {
    weight += weigh(member, most - weight);
    if (weight > most) break;
  }
  return weight;
}

function canBeCut(value: unknown): value is object {
  if (typeof value !== "object" || value === null) return false;
  if (Array.isArray(value)) return true;
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === Object.prototype || prototype === null;
}

/** In memory of its own, which can be given away. */
function packed(piece: Piece): Uint8Array<ArrayBuffer> {
  return new Uint8Array(serialize(piece));
}
