/** What a change of policies is called: rules by name, not as they are compiled. */
import { expect, test } from "vitest";
import { policyKeys } from "../../../src/bgp/live/policy-preview.js";
import { describeKey } from "../../../src/util/settings-diff.js";

const rule = (name: string, text = name) =>
  ({ name, text, match: {}, set: {}, then: "reject" }) as const;
const policy = (name: string, ...rules: ReturnType<typeof rule>[]) => ({ name, rules });

const words = (...[before, after]: Parameters<typeof policyKeys>) =>
  policyKeys(before, after).map(describeKey);

test("rules that are new, gone and changed", () => {
  const before = [policy("edge", rule("a"), rule("b"), rule("")), policy("same", rule("x"))];
  const after = [policy("edge", rule("b", "other"), rule("c")), policy("same", rule("x"))];
  expect(words(before, after)).toEqual([
    "policies.edge 3 rules -> 2 rules (new: c; gone: a, rule 3; changed: b)",
  ]);
});

test("policies that come and go", () => {
  expect(words([policy("old", rule("a"))], [policy("fresh", rule("a"), rule("b"))])).toEqual([
    "policies.old 1 rule -> unset",
    "policies.fresh unset -> 2 rules",
  ]);
});

test("the order counts", () => {
  const [a, b] = [rule("a"), rule("b")];
  expect(words([policy("p", a, b)], [policy("p", b, a)])).toEqual([
    "policies.p 2 rules -> 2 rules (in another order)",
  ]);
});

test("of many rules the first are named", () => {
  const many = Array.from({ length: 9 }, (_unused, index) => rule(`r${index}`));
  expect(words([policy("p")], [policy("p", ...many)])).toEqual([
    "policies.p 0 rules -> 9 rules (new: r0, r1, r2, r3, r4 and 4 more)",
  ]);
});
