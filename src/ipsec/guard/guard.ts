/**
 * Fail closed: protected prefixes are guarded before the IKE daemon is told of their tunnel, and stay guarded
 * whatever becomes of tunnel, daemon or us. Prefixes are only ever added here; `release`, an operator's
 * act, is the one way out. What is guarded is read from the kernel, so that there is one truth of it.
 */
import { sameSettings } from "../../util/applier.js";
import {
  formatRange,
  joinRanges,
  parseRange,
  prefixesOf,
  rangesOutside,
  type AddressRange,
} from "../model/index.js";
import type { GuardMemory } from "./memory.js";
import { GuardError, runNft, type Nft } from "./nft.js";
import { GUARD_TABLE, guardScript, type GuardWays } from "./ruleset.js";

export interface GuardStatus {
  /** Whether the rules are in the kernel. */
  readonly installed: boolean;
  /** How many the table has. */
  readonly rules: number;
  /** Canonical prefixes, joined where they touch. */
  readonly prefixes: readonly string[];
  /** Packets that were kept from leaving, and from arriving, in clear. */
  readonly leaving: number;
  readonly arriving: number;
}

export class Guard {
  private readonly nft: Nft;
  /** What the kernel has from us, as far as we know: nothing is asked when nothing is new. */
  private covered: readonly AddressRange[] | undefined;
  private written: GuardWays | undefined;
  private readonly memory: GuardMemory | undefined;
  /** Of an earlier run: put in place with whatever is put in place next. */
  private remembered: readonly AddressRange[] = [];
  /** What the memory has. */
  private saved = "[]";
  private turn: Promise<unknown> = Promise.resolve();

  constructor(nft: Nft = runNft, memory?: GuardMemory) {
    this.nft = nft;
    this.memory = memory;
  }

  /** What an earlier run guarded is guarded again, from the next `protect` on. Rejects when it cannot be read. */
  async recall(): Promise<void> {
    const prefixes = (await this.memory?.load()) ?? [];
    this.remembered = rangesOf(prefixes);
    this.saved = JSON.stringify(prefixes);
  }

  /** Something that is to be guarded is not in place yet. */
  get isWaiting(): boolean {
    return this.remembered.length > 0;
  }

  /**
   * Guards these prefixes, beside those that are guarded already. Settled when the kernel has them all.
   */
  protect(prefixes: readonly string[], ways: GuardWays): Promise<void> {
    return this.inTurn(async () => {
      const wanted = joinRanges([...rangesOf(prefixes), ...this.remembered]);
      const isNew = rangesOutside(wanted, this.covered ?? []).length > 0;
      if (!isNew && sameSettings(this.written, ways)) {
        this.remembered = [];
        return;
      }
      await this.nft(["-f", "-"], guardScript({ ...ways, prefixes: asPrefixes(wanted) }));
      this.written = ways;
      this.remembered = [];
      this.covered = joinRanges([...(this.covered ?? []), ...wanted]);
      await this.remember();
    });
  }

  /**
   * No longer guards these, except where `kept` needs them. An operator's act: from then on they may leave
   * in clear.
   */
  release(prefixes: readonly string[], kept: readonly string[]): Promise<readonly string[]> {
    return this.inTurn(async () => {
      const now = await this.read();
      const going = rangesOutside(rangesOf(prefixes), rangesOf(kept));
      const left = rangesOutside(rangesOf(now.prefixes), going);
      const contents = { ...this.ways, prefixes: asPrefixes(left) };
      await this.nft(["-f", "-"], guardScript(contents, true));
      this.covered = left;
      this.remembered = rangesOutside(this.remembered, going);
      await this.remember();
      return going.map(formatRange);
    });
  }

  /**
   * Looks whether the kernel still has what was guarded, and puts it back where somebody took it: a firewall that
   * is loaded anew may flush everybody's tables. @returns whether something had gone
   */
  renew(): Promise<boolean> {
    return this.inTurn(async () => {
      const { covered, written } = this;
      if (covered === undefined || written === undefined) return false;
      const { prefixes, rules } = await this.read();
      const script = guardScript({ ...written, prefixes: asPrefixes(covered) });
      const whole = rules >= script.split("\nadd rule ").length - 1;
      if (whole && rangesOutside(covered, rangesOf(prefixes)).length === 0) return false;
      await this.nft(["-f", "-"], script);
      return true;
    });
  }

  /** As last written. */
  get ways(): GuardWays {
    return this.written ?? { interfaces: [] };
  }

  status(): Promise<GuardStatus> {
    return this.inTurn(() => this.read());
  }

  /** Settled when it is on the disk. What cannot be kept is guarded all the same, until a reboot. */
  private async remember(): Promise<void> {
    const prefixes = asPrefixes(joinRanges([...(this.covered ?? []), ...this.remembered]));
    const text = JSON.stringify(prefixes);
    if (this.memory === undefined || text === this.saved) return;
    try {
      await this.memory.save(prefixes);
      this.saved = text;
    } catch {
      // Tried again with the next change.
    }
  }

  private async read(): Promise<GuardStatus> {
    let text: string;
    try {
      text = await this.nft(["-j", "list", "table", "inet", GUARD_TABLE], "");
    } catch (error) {
      if (error instanceof GuardError && /No such file|does not exist/.test(error.message)) {
        return { installed: false, rules: 0, prefixes: [], leaving: 0, arriving: 0 };
      }
      throw error;
    }
    return readStatus(text);
  }

  /** One after the other: reading and writing the kernel's table is no transaction. */
  private inTurn<T>(work: () => Promise<T>): Promise<T> {
    const result = this.turn.then(work, work);
    this.turn = result.catch(() => {});
    return result;
  }
}

/** An element of a set as nft writes it. */
type NftElement =
  | string
  | { readonly prefix: { readonly addr: string; readonly len: number } }
  | { readonly range: readonly [string, string] };

interface NftObject {
  readonly set?: { readonly name: string; readonly elem?: readonly NftElement[] };
  readonly rule?: {
    readonly chain: string;
    readonly expr: readonly { readonly counter?: { readonly packets: number } | null }[];
  };
}

/** Reads what `nft -j list table` says of our table. */
export function readStatus(text: string): GuardStatus {
  const { nftables } = JSON.parse(text) as { readonly nftables: readonly NftObject[] };
  const ranges: AddressRange[] = [];
  const packets = { leave: 0, arrive: 0 };
  for (const { set, rule } of nftables) {
    for (const element of set?.elem ?? []) {
      const range = parseRange(elementText(element));
      if (range !== undefined) ranges.push(range);
    }
    if (rule?.chain === "leave" || rule?.chain === "arrive") {
      for (const { counter } of rule.expr) packets[rule.chain] += counter?.packets ?? 0;
    }
  }
  return {
    installed: true,
    rules: nftables.filter(({ rule }) => rule !== undefined).length,
    prefixes: asPrefixes(joinRanges(ranges)),
    leaving: packets.leave,
    arriving: packets.arrive,
  };
}

function elementText(element: NftElement): string {
  if (typeof element === "string") return element;
  if ("prefix" in element) return `${element.prefix.addr}/${element.prefix.len}`;
  return element.range.join("..");
}

function rangesOf(prefixes: readonly string[]): AddressRange[] {
  return joinRanges(
    prefixes.flatMap((prefix) => {
      const range = parseRange(prefix);
      return range === undefined ? [] : [range];
    }),
  );
}

function asPrefixes(ranges: readonly AddressRange[]): string[] {
  return ranges.flatMap(prefixesOf);
}
