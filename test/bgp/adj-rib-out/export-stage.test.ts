/** Export policy's place in sending: forms of a route by policy, and what a change of policy sends. */
import { describe, expect, it } from "vitest";
import { NO_POLICY, type ExportStage } from "../../../src/bgp/adj-rib-out/export-stage.js";
import { setBit } from "../../../src/bgp/policy/slot-mask.js";
import { Family } from "../../../src/fast-bgp-codec/family.js";
import { find } from "../../model/lib/attributes.js";
import { Random } from "../../model/lib/random.js";
import { key, mac, marked, Tables, type FakeOutlet } from "../lib/tables.js";

type Rule = (attr: number, mac: number) => number;

/** Policies as functions; keeps every set it makes. */
class FakeStage implements ExportStage {
  isIdle = false;
  readonly generation = 0;
  isUntouched = false;
  asked = 0;
  readonly rules: Rule[] = [];
  readonly masks: Int32Array[] = [];
  batches = 0;
  private readonly tables: Tables;

  constructor(tables: Tables) {
    this.tables = tables;
    tables.out.setExport(this);
  }

  get count(): number {
    return this.rules.length;
  }

  add(rule: Rule, ...slots: number[]): number {
    const mask = new Int32Array(8);
    for (const slot of slots) setBit(mask, slot);
    this.masks.push(mask);
    return this.rules.push(rule) - 1;
  }

  maskOf(policy: number): Int32Array {
    return this.masks[policy]!;
  }

  apply(policy: number, attr: number, _slot: number, dest: number): number {
    const { table } = this.tables;
    // Last octets of a MAC: 2 type and length, 8 RD, 10 ESI, 4 tag, 1 bits, then the MAC.
    const number = table.nlriBytes[table.destNlri(dest) + 30]!;
    this.asked++;
    const result = this.rules[policy]!(attr, number);
    this.isUntouched = result === attr;
    return result;
  }

  endBatch(): void {
    this.batches++;
  }
}

/** What a receiver holds after all its messages: key -> mark of the set. */
function follow(view: Map<string, string>, outlet: FakeOutlet): number {
  let messages = 0;
  for (const received of outlet.take()) {
    messages++;
    if (received.kind === "announce") {
      const mark = find(received.attributes, 200) ?? "";
      for (const route of received.routes) view.set(route.key, mark);
    } else if (received.kind === "withdraw") for (const gone of received.keys) view.delete(gone);
  }
  return messages;
}

const set = (tables: Tables, mark: number): number => tables.intern(marked(mark));

describe("export policy", () => {
  it("sends a route in one form for each policy, and to nobody whom it refuses", () => {
    const tables = new Tables();
    const from = tables.source();
    const receivers = [1, 2, 3, 4, 5].map(() => tables.receiver());
    tables.run();
    const stage = new FakeStage(tables);
    const other = set(tables, 77);
    stage.add(() => 0, receivers[1]!.slot);
    stage.add(() => other, receivers[2]!.slot);
    stage.add((attr, number) => (number === 1 ? other : attr), receivers[3]!.slot);
    tables.announce(from, [mac(1), mac(2)], marked(1));
    tables.run();
    const views = receivers.map(({ outlet }) => {
      const view = new Map<string, string>();
      follow(view, outlet);
      return [1, 2].map((number) => {
        const found = view.get(key(mac(number)));
        return found === undefined ? 0 : Number(`0x${found}`);
      });
    });
    expect(views).toEqual([
      [1, 1],
      [0, 0],
      [77, 77],
      [77, 1],
      [1, 1],
    ]);
    expect(stage.batches).toBeGreaterThan(0);
    tables.withdraw(from, [mac(1), mac(2)]);
    tables.run();
    expect(receivers.map(({ outlet }) => outlet.takeKeys().length)).toEqual([2, 0, 2, 2, 2]);
  });

  it("that changes sends the difference and nothing else", () => {
    const tables = new Tables();
    const from = tables.source();
    const changing = tables.receiver();
    const bystander = tables.receiver();
    const stage = new FakeStage(tables);
    const other = set(tables, 77);
    const before = stage.add((attr, number) => (number < 10 ? 0 : attr), changing.slot);
    tables.announce(
      from,
      Array.from({ length: 40 }, (_, n) => mac(n)),
    );
    tables.run();
    expect(changing.outlet.takeKeys()).toHaveLength(30);
    bystander.outlet.take();
    // 0 to 4 come, 10 to 14 go, 20 to 24 change, the others stay as they are.
    stage.masks[before]!.fill(0);
    stage.add((attr, number) => {
      if (number < 5) return attr;
      if (number < 15) return 0;
      return number >= 20 && number < 25 ? other : attr;
    }, changing.slot);
    let done = 0;
    tables.out.syncExport(changing.slot, before, () => done++);
    tables.run();
    expect(done).toBe(1);
    const all = changing.outlet.takeKeys();
    const expected = Array.from({ length: 40 }, (_, n) => {
      if (n < 5 || (n >= 20 && n < 25)) return [`+${key(mac(n))}`];
      return n >= 10 && n < 15 ? [`-${key(mac(n))}`] : [];
    }).flat();
    expect(all.sort()).toEqual(expected.sort());
    expect(bystander.outlet.take()).toEqual([]);
  });

  it("tells whoever keeps a former policy when it is not needed, also when the session goes", () => {
    const tables = new Tables();
    const { slot } = tables.receiver();
    tables.run();
    const stage = new FakeStage(tables);
    stage.add((attr) => attr, slot);
    const done: string[] = [];
    tables.out.syncExport(slot, NO_POLICY, () => done.push("a"));
    tables.out.syncExport(slot, 0, () => done.push("b"));
    expect(done).toEqual([]);
    tables.out.remove(slot);
    expect(done.sort()).toEqual(["a", "b"]);
    tables.out.syncExport(slot, 0, () => done.push("c"));
    expect(done).toContain("c");
  });

  it("that leaves a route alone is not asked of it again, until it changes", () => {
    const tables = new Tables();
    const from = tables.source();
    const { slot } = tables.receiver();
    const stage = new FakeStage(tables);
    const refused = set(tables, 9);
    stage.add((attr) => (attr === refused ? 0 : attr), slot);
    tables.announce(from, [mac(1), mac(2)], marked(1));
    tables.run();
    expect(stage.asked).toBe(2);
    tables.out.refresh(slot, Family.Evpn);
    tables.run();
    expect(stage.asked).toBe(2);
    tables.announce(from, mac(1), marked(9));
    tables.run();
    tables.out.refresh(slot, Family.Evpn);
    tables.run();
    expect(stage.asked).toBe(4);
  });

  it("that was looked at before anybody read a change is asked again: the next change shares its entry", () => {
    const tables = new Tables();
    const from = tables.source();
    const { slot, outlet } = tables.receiver();
    tables.run();
    const stage = new FakeStage(tables);
    const refused = set(tables, 9);
    stage.add((attr) => (attr === refused ? 0 : attr), slot);
    outlet.pendingBytes = 1 << 20;
    tables.out.run(1000);
    tables.announce(from, mac(1), marked(1));
    // An audit, or a dump that another session is given meanwhile.
    tables.out.wanted(tables.find(mac(1)), new Int32Array(8));
    tables.announce(from, mac(1), marked(9));
    outlet.pendingBytes = 0;
    tables.run();
    expect(outlet.takeKeys()).toEqual([]);
  });

  for (let seed = 1; seed <= 12; seed++) {
    it(`agrees with a plain model, changes of policy and slow readers included (seed ${seed})`, () => {
      const random = new Random(seed);
      const tables = new Tables();
      const sources = [tables.source(), tables.source()];
      const stage = new FakeStage(tables);
      const sets = Array.from({ length: 4 }, (_, mark) => set(tables, 100 + mark));
      const [refused, changed] = [set(tables, 2), set(tables, 3)];
      const rules: Rule[] = [
        (attr) => attr,
        () => 0,
        (attr, number) => ((number & 1) === 0 ? 0 : attr),
        (attr, number) => ((number & 3) === 0 ? sets[0]! : attr),
        (attr, number) => sets[number & 3] ?? attr,
        // By the set and not by the route: what was found of one state is wrong for the next.
        (attr) => (attr === refused ? 0 : attr),
        (attr) => (attr === changed ? sets[1]! : attr),
      ];
      const receivers = Array.from({ length: 6 }, () => ({
        ...tables.receiver(),
        view: new Map<string, string>(),
        policy: NO_POLICY,
      }));
      const check = (): void => {
        for (const receiver of receivers) receiver.outlet.pendingBytes = 0;
        tables.run();
        for (const { view, outlet, policy } of receivers) {
          follow(view, outlet);
          const expected = new Map<string, string>();
          for (let number = 0; number < 40; number++) {
            const dest = tables.find(mac(number));
            const best = dest === 0 ? 0 : tables.table.bestPath(dest);
            if (best === 0) continue;
            const attr = tables.table.pathAttr(best);
            const out = policy === NO_POLICY ? attr : stage.apply(policy, attr, 0, dest);
            if (out === 0) continue;
            const mark = /c804([0-9a-f]{8})/;
            const { bytes } = tables.attrs;
            const from = tables.attrs.attributesStart(out);
            const hex = Buffer.from(bytes.slice(from, tables.attrs.attributesEnd(out)));
            expected.set(key(mac(number)), mark.exec(hex.toString("hex"))?.[1] ?? "");
          }
          expect([...view].sort()).toEqual([...expected].sort());
        }
      };
      for (let step = 0; step < 300; step++) {
        const from = random.pick(sources);
        const nlri = mac(random.below(40));
        if (random.oneIn(3)) tables.withdraw(from, nlri);
        else tables.announce(from, nlri, marked(random.below(5)));
        if (random.oneIn(4)) tables.out.run(1000);
        if (random.oneIn(5)) {
          random.pick(receivers).outlet.pendingBytes = random.oneIn(2) ? 0 : 1 << 20;
        }
        if (random.oneIn(6)) {
          const receiver = random.pick(receivers);
          const former = receiver.policy;
          if (former !== NO_POLICY) stage.masks[former]!.fill(0);
          receiver.policy = random.oneIn(4)
            ? NO_POLICY
            : stage.add(random.pick(rules), receiver.slot);
          tables.out.syncExport(receiver.slot, former, () => {});
        }
        if (random.oneIn(40)) check();
      }
      check();
    });
  }
});
