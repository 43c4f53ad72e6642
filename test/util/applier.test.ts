import { describe, expect, test } from "vitest";
import { applyAll, type Applier } from "../../src/util/applier.js";
import { describeKey, diffSettings } from "../../src/util/settings-diff.js";

interface State {
  readonly a: number;
  readonly b: number;
  readonly c: number;
}

/** Keeps what it was given; fails where told to. */
function part(name: keyof State, notes: string[], fails: "prepare" | "apply" | "back" | "" = "") {
  const applier: Applier<State> = {
    name,
    prepare(_before, after) {
      notes.push(`prepare ${name}=${after[name]}`);
      if (fails === "prepare") return Promise.reject(new Error(`${name} cannot be had`));
      return Promise.resolve(() => void notes.push(`discard ${name}`));
    },
    apply(before, after) {
      notes.push(`apply ${name}=${after[name]}`);
      const back = after[name] < before[name];
      if ((fails === "apply" && !back) || (fails === "back" && back)) {
        throw new Error(`${name} fails`);
      }
      return [`${name} is ${after[name]}`];
    },
  };
  return applier;
}

const BEFORE = { a: 1, b: 1, c: 1 };
const AFTER = { a: 2, b: 2, c: 2 };

describe("a change in parts", () => {
  test("is prepared everywhere, then made", async () => {
    const notes: string[] = [];
    const parts = (["a", "b"] as const).map((name) => part(name, notes));
    expect(await applyAll(parts, BEFORE, AFTER)).toEqual(["a is 2", "b is 2"]);
    expect(notes).toEqual(["prepare a=2", "prepare b=2", "apply a=2", "apply b=2"]);
  });

  test("that cannot be prepared changes nothing", async () => {
    const notes: string[] = [];
    const parts = [part("a", notes), part("b", notes, "prepare"), part("c", notes)];
    await expect(applyAll(parts, BEFORE, AFTER)).rejects.toThrow("b cannot be had");
    expect(notes).toEqual(["prepare a=2", "prepare b=2", "discard a"]);
  });

  test("that fails half-way is taken back, last first", async () => {
    const notes: string[] = [];
    const parts = [part("a", notes), part("b", notes, "apply"), part("c", notes)];
    await expect(applyAll(parts, BEFORE, AFTER)).rejects.toThrow("b fails");
    expect(notes.slice(3)).toEqual([
      "apply a=2",
      "apply b=2",
      "discard c",
      "prepare b=1",
      "apply b=1",
      "prepare a=1",
      "apply a=1",
    ]);
  });

  test("that can be neither made nor taken back says so", async () => {
    const notes: string[] = [];
    const parts = [part("a", notes, "back"), part("b", notes, "apply")];
    await expect(applyAll(parts, BEFORE, AFTER)).rejects.toThrow(
      "b fails; and this could not be taken back, restart evpnd: a: a fails",
    );
  });
});

describe("what differs", () => {
  const lines = (before: unknown, after: unknown): string[] =>
    diffSettings(before, after).map(describeKey);

  test("is told by the names of the file", () => {
    expect(lines({ holdTime: 90, port: 179 }, { holdTime: 30, port: 179 })).toEqual([
      "hold-time 90 -> 30",
    ]);
    expect(lines({ localAddress: undefined }, { localAddress: "10.0.0.1" })).toEqual([
      'local-address unset -> "10.0.0.1"',
    ]);
  });

  test("in lists is told by the entries' names", () => {
    const before = [
      { name: "red", vni: 1 },
      { name: "blue", vni: 2 },
    ];
    const after = [{ name: "red", vni: 7 }, { name: "green" }];
    expect(lines({ domains: before }, { domains: after })).toEqual([
      "domains.red.vni 1 -> 7",
      'domains.blue {"name":"blue","vni":2} -> unset',
      'domains.green unset -> {"name":"green"}',
    ]);
    expect(lines({ types: [1, 2] }, { types: [2] })).toEqual(["types [1,2] -> [2]"]);
  });

  test("never shows a secret", () => {
    const chain = (secret: string) => ({ tcpAo: { keys: [{ sendId: 1, secret }] } });
    const all = [
      ...lines({ password: "alpha" }, { password: "beta" }),
      ...lines({ password: undefined }, { password: "beta" }),
      ...lines(chain("alpha"), chain("beta")),
      ...lines({ tcpAo: undefined }, chain("beta")),
    ];
    expect(all.join()).not.toMatch(/alpha|beta/);
    expect(all[0]).toBe("password changed");
    expect(all.join()).toContain("[hidden]");
  });
});
