/**
 * ADD-PATH beside a slow and obvious model: sources with several paths, receivers with and without
 * ADD-PATH and with other limits, refreshes, slow readers, held paths, route targets, export policy,
 * sessions that come and go. Whenever all have read everything, each holds exactly its best paths.
 */
import { describe, expect, it } from "vitest";
import { NO_POLICY, type ExportStage } from "../../../src/bgp/adj-rib-out/export-stage.js";
import { clearBit, setBit } from "../../../src/bgp/policy/slot-mask.js";
import { TargetRule } from "../../../src/bgp/policy/route-target.js";
import { HoldReason } from "../../../src/bgp/rib/hold.js";
import { SourceKind } from "../../../src/bgp/rib/sources.js";
import { Family } from "../../../src/fast-bgp-codec/family.js";
import { hexOf } from "../../model/lib/hex.js";
import { nlriKey, prefix } from "../../model/lib/nlri.js";
import { Random } from "../../model/lib/random.js";
import { attribute, EMPTY_PATH, mac, ORIGIN, Tables, type FakeOutlet } from "../lib/tables.js";
import { applyPaths, takePaths } from "./lib.js";

const FAMILIES = [Family.Evpn, Family.Ipv4Unicast] as const;
const BOTH = FAMILIES.reduce<number>((mask, family) => mask | (1 << family), 0);
const KEYS = 12;
/** Route targets 1 and 2. */
const TARGETS = [1, 2].map((number) => `0002fde8${hexOf(number, 4)}`);

interface Path {
  readonly source: number;
  readonly pathId: number;
  readonly preference: number;
  readonly target: string;
  readonly stale: boolean;
  readonly mark: number;
  held: boolean;
}

interface Receiver {
  readonly slot: number;
  readonly outlet: FakeOutlet;
  readonly kind: SourceKind;
  readonly llgr: boolean;
  /** By family, 0 = no ADD-PATH. */
  readonly limits: readonly number[];
  readonly addPath: number;
  readonly view: Map<string, string>;
  targets: ReadonlySet<string> | undefined;
  policy: number;
}

/** Policy 0 refuses odd marks, policy 1 changes marks that 3 divides, policy 2 refuses everything. */
class Stage implements ExportStage {
  readonly isIdle = false;
  readonly count = 3;
  readonly generation = 0;
  isUntouched = false;
  readonly masks = [0, 1, 2].map(() => new Int32Array(8));
  private readonly tables: Tables;
  private readonly made = new Map<number, number>();

  constructor(tables: Tables) {
    this.tables = tables;
    tables.out.setExport(this);
  }

  maskOf(policy: number): Int32Array {
    return this.masks[policy]!;
  }

  apply(policy: number, attr: number): number {
    const result = this.resultOf(policy, attr);
    this.isUntouched = result === attr;
    return result;
  }

  private resultOf(policy: number, attr: number): number {
    const { attrs } = this.tables;
    const end = attrs.attributesEnd(attr);
    const mark = Buffer.from(attrs.bytes.subarray(end - 4, end)).readUInt32BE();
    if (policy === 2 || (policy === 0 && ((mark >>> 8) & 1) === 1)) return 0;
    if (policy === 0 || mark % 3 !== 0) return attr;
    const bytes = attrs.bytes.slice(attrs.nextHopStart(attr), end);
    bytes[bytes.length - 1] = bytes[bytes.length - 1]! ^ 0x80;
    const set = attrs.intern(attrs.family(attr), 4, bytes, 0, bytes.length);
    if (this.made.has(set)) attrs.release(set);
    else this.made.set(set, 1);
    return set;
  }

  endBatch(): void {
    for (const set of this.made.keys()) this.tables.attrs.release(set);
    this.made.clear();
  }
}

class World {
  readonly tables = new Tables();
  readonly stage = new Stage(this.tables);
  readonly paths = new Map<string, Path[]>();
  readonly receivers: Receiver[] = [];
  readonly kinds: SourceKind[] = [];
  private readonly random: Random;
  private marks = 0;

  constructor(random: Random) {
    this.random = random;
  }

  source(): number {
    const kind = this.random.pick([SourceKind.Client, SourceKind.Client, SourceKind.NonClient]);
    const slot = this.tables.source(kind);
    this.kinds[slot] = kind;
    return slot;
  }

  join(): void {
    const { random, tables } = this;
    const limits: number[] = [];
    let addPath = 0;
    for (const family of FAMILIES) {
      limits[family] = random.oneIn(3) ? 0 : 1 + random.below(5);
      if (limits[family] > 0) addPath |= 1 << family;
    }
    const kind = random.pick([SourceKind.Client, SourceKind.NonClient]);
    const llgr = random.oneIn(2);
    const { slot, outlet } = tables.receiver({
      slot: this.source(),
      kind,
      llgr,
      families: BOTH,
      addPath: FAMILIES.filter((family) => limits[family]! > 0).map((family) => ({
        family,
        limit: limits[family]!,
      })),
    });
    tables.sources.kind[slot] = this.kinds[slot] = kind;
    const view = new Map<string, string>();
    const policy = NO_POLICY;
    const targets = undefined;
    this.receivers.push({
      slot,
      outlet,
      kind,
      llgr,
      limits,
      addPath,
      view,
      policy,
      targets,
    });
  }

  announce(source: number, family: Family, number: number): void {
    const { random, tables } = this;
    const pathId = random.below(4);
    const target = random.pick(TARGETS);
    const preference = 100 + random.below(3);
    const stale = random.oneIn(6);
    const mark = ++this.marks % 100_000;
    const nlri = nlriOf(family, number);
    tables.announce(
      source,
      nlri,
      ORIGIN +
        EMPTY_PATH +
        attribute(5, 0x40, hexOf(preference, 4)) +
        (stale ? attribute(8, 0xc0, "ffff0006") : "") +
        attribute(16, 0xc0, target) +
        attribute(200, 0xe0, hexOf(mark * 256, 4)),
      family,
      "0a000001",
      pathId,
    );
    const list = this.at(family, number).filter(
      (path) => path.source !== source || path.pathId !== pathId,
    );
    list.push({
      source,
      pathId,
      preference,
      target,
      stale,
      mark: mark * 256,
      held: false,
    });
    this.paths.set(nlri, list);
  }

  withdraw(path: Path, family: Family, number: number): void {
    const nlri = nlriOf(family, number);
    this.tables.withdraw(path.source, nlri, family, path.pathId);
    this.paths.set(
      nlri,
      this.at(family, number).filter((other) => other !== path),
    );
  }

  /** Import policy holds a path, or lets it go. */
  toggle(path: Path, family: Family, number: number): void {
    const { table } = this.tables;
    const dest = this.tables.find(nlriOf(family, number), family);
    const id = table.pathFrom(dest, path.source, path.pathId);
    path.held = !path.held;
    if (path.held) table.reconsider(id, 0, HoldReason.Policy);
    else table.reconsider(id, table.pathReceived(id));
  }

  lose(source: number): void {
    while (this.tables.table.removePathsOf(source, 7) > 0);
    for (const [nlri, list] of this.paths) {
      this.paths.set(
        nlri,
        list.filter((path) => path.source !== source),
      );
    }
  }

  at(family: Family, number: number): Path[] {
    return this.paths.get(nlriOf(family, number)) ?? [];
  }

  /** "key#mark" of all that a receiver should hold. */
  expected(receiver: Receiver): string[] {
    const all: string[] = [];
    for (const family of FAMILIES) {
      for (let number = 0; number < KEYS; number++) {
        const nlri = nlriOf(family, number);
        const ranked = this.at(family, number)
          .filter((path) => !path.held)
          .sort((a, b) => this.compare(a, b));
        const several = receiver.limits[family]! > 0;
        const offered = several ? ranked : ranked.slice(0, 1);
        const sent = offered.flatMap((path) => {
          const mark = this.outcome(receiver, family, path);
          return mark === undefined ? [] : [`${nlriKey(family, nlri)}#${hexOf(mark, 4)}`];
        });
        all.push(...sent.slice(0, several ? receiver.limits[family] : 1));
      }
    }
    return all.sort();
  }

  check(): void {
    const { tables } = this;
    for (const { outlet } of this.receivers) outlet.pendingBytes = 0;
    tables.run();
    for (const receiver of this.receivers) {
      applyPaths(receiver.view, takePaths(receiver.outlet, receiver.addPath));
      const held = [...receiver.view].map(([name, mark]) => `${name.split("#")[0]!}#${mark}`);
      expect(held.sort()).toEqual(this.expected(receiver));
      for (const family of FAMILIES) {
        const counted = tables.out.sentCount(receiver.slot, family);
        const of = FAMILIES.map(
          (one) => this.expectedIn(receiver, one).filter((name) => held.includes(name)).length,
        );
        expect(counted).toBe(of[FAMILIES.indexOf(family as never)]);
      }
    }
    for (let dest = 1; dest < tables.table.destinationLimit; dest++) {
      expect(tables.out.addPathFaults(dest)).toEqual([]);
    }
    expect(tables.table.tombstones).toBe(0);
  }

  private expectedIn(receiver: Receiver, family: Family): string[] {
    const keys = new Set(
      Array.from({ length: KEYS }, (_, number) => nlriKey(family, nlriOf(family, number))),
    );
    return this.expected(receiver).filter((name) => keys.has(name.split("#")[0]!));
  }

  /** Mark that the receiver gets of a path, undefined when it gets none. */
  private outcome(receiver: Receiver, family: Family, path: Path): number | undefined {
    const { slot, kind, llgr, targets, policy } = receiver;
    if (path.source === slot || (path.stale && !llgr)) return undefined;
    const within = kind === SourceKind.NonClient && this.kinds[path.source] === kind;
    if (within) return undefined;
    if (family === Family.Evpn && targets !== undefined && !targets.has(path.target)) {
      return undefined;
    }
    if (policy === 2 || (policy === 0 && ((path.mark >>> 8) & 1) === 1)) return undefined;
    return policy === 1 && path.mark % 3 === 0 ? path.mark ^ 0x80 : path.mark;
  }

  /** RFC 4271 section 9.1.2.2 for paths that differ in nothing else, best first. */
  private compare(a: Path, b: Path): number {
    const { sources } = this.tables;
    return (
      Number(a.stale) - Number(b.stale) ||
      b.preference - a.preference ||
      sources.routerId[a.source]! - sources.routerId[b.source]! ||
      a.pathId - b.pathId
    );
  }
}

function nlriOf(family: Family, number: number): string {
  return family === Family.Evpn ? mac(number) : prefix(32, `0a0900${hexOf(number, 1)}`);
}

describe("ADD-PATH beside a model", () => {
  for (let seed = 1; seed <= 12; seed++) {
    it(`sends each session its best paths (seed ${seed})`, { timeout: 60_000 }, () => {
      const random = new Random(seed);
      const world = new World(random);
      const { tables } = world;
      const sources = Array.from({ length: 4 }, () => world.source());
      for (let n = 0; n < 4; n++) world.join();
      for (let step = 0; step < 1200; step++) {
        const family = random.pick(FAMILIES);
        const number = random.below(KEYS);
        const list = world.at(family, number);
        const receiver = random.pick(world.receivers);
        const from = random.oneIn(8) ? receiver.slot : random.pick(sources);
        const dice = random.below(100);
        if (dice < 45) world.announce(from, family, number);
        else if (dice < 70) {
          if (list.length > 0) world.withdraw(random.pick(list), family, number);
        } else if (dice < 78) {
          if (list.length > 0) world.toggle(random.pick(list), family, number);
        } else if (dice < 80) world.lose(random.pick(sources));
        else if (dice < 84) tables.out.refresh(receiver.slot, family);
        else if (dice < 86) tables.out.sync(receiver.slot);
        else if (dice < 89) {
          receiver.targets = random.oneIn(3) ? undefined : new Set([random.pick(TARGETS)]);
          tables.out.setTargets(receiver.slot, TargetRule.List, receiver.targets);
        } else if (dice < 92) {
          const former = receiver.policy;
          if (former !== NO_POLICY) clearBit(world.stage.masks[former]!, receiver.slot);
          receiver.policy = random.below(4) - 1;
          if (receiver.policy !== NO_POLICY) {
            setBit(world.stage.masks[receiver.policy]!, receiver.slot);
          }
          tables.out.syncExport(receiver.slot, former, () => {});
        } else if (dice < 96) receiver.outlet.pendingBytes = random.oneIn(2) ? 0 : 1 << 20;
        else if (dice < 98 && world.receivers.length > 2) {
          const gone = world.receivers.splice(world.receivers.indexOf(receiver), 1)[0]!;
          tables.out.remove(gone.slot);
          for (const mask of world.stage.masks) clearBit(mask, gone.slot);
          world.lose(gone.slot);
        } else if (world.receivers.length < 6) world.join();
        if (random.oneIn(3)) tables.out.run(random.below(3));
        if (random.oneIn(20)) tables.clock.advance(500);
        if (random.oneIn(60)) world.check();
      }
      world.check();
    });
  }
});
