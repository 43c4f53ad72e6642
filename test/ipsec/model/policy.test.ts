/** Address books and ordered policies. */
import { describe, expect, test } from "vitest";
import {
  addAddress,
  clonePolicy,
  movePolicy,
  removeAddress,
  removePolicy,
  type AddressEntry,
  type ListEdit,
  type Policy,
} from "../../../src/ipsec/model/index.js";

function policy(id: number, change: Partial<Policy> = {}): Policy {
  return {
    id,
    from: "Untrust",
    to: "Trust",
    sources: ["Any"],
    destinations: ["Any"],
    services: ["ANY"],
    action: "permit",
    log: true,
    enabled: true,
    ...change,
  };
}

const list = <T>(edit: ListEdit<T>) => (edit.ok ? edit.list : edit.problem);
const ids = (edit: ListEdit<Policy>) => (edit.ok ? edit.list.map(({ id }) => id) : edit.problem);

describe("IPS-23: an address book per zone", () => {
  const book: readonly AddressEntry[] = [
    { zone: "Untrust", name: "HQ-net", prefix: "30.1.1.0/24" },
    { zone: "Untrust", name: "Branch-2", prefix: "22.1.1.0/24" },
  ];
  const policies = [policy(3, { sources: ["Branch-2", "HQ-net"] })];

  test("an entry in use cannot be removed, and the policies are named", () => {
    expect(list(removeAddress(book, "Untrust", "HQ-net", policies))).toBe(
      '"HQ-net" is in use by policy 3; take it out of that first',
    );
  });

  test("one that is not in use can", () => {
    expect(list(removeAddress(book, "Untrust", "HQ-net", []))).toEqual([book[1]]);
  });

  test("the same name in another zone is another entry", () => {
    const other = { zone: "Trust", name: "HQ-net", prefix: "10.0.0.0/8" };
    expect(list(addAddress(book, other))).toEqual([...book, other]);
    expect(list(removeAddress([...book, other], "Trust", "HQ-net", policies))).toEqual(book);
  });

  test("a name counts once in a zone, and Any is everybody's", () => {
    expect(list(addAddress(book, book[0]!))).toContain('has an entry "HQ-net"');
    expect(list(addAddress(book, { ...book[0]!, name: "Any" }))).toContain("stands for every");
  });
});

describe("IPS-24: ordered policies", () => {
  const policies = [policy(3), policy(1, { from: "Trust", to: "Untrust" }), policy(4)];

  test("clone stands behind its original, with a free id", () => {
    expect(ids(clonePolicy(policies, 1))).toEqual([3, 1, 5, 4]);
    const cloned = clonePolicy(policies, 1);
    expect(cloned.ok && cloned.list[2]).toEqual({ ...policies[1], id: 5 });
  });

  test("move", () => {
    expect(ids(movePolicy(policies, 4, "before", 3))).toEqual([4, 3, 1]);
    expect(ids(movePolicy(policies, 3, "after", 1))).toEqual([1, 3, 4]);
    expect(ids(movePolicy(policies, 3, "after", 9))).toBe("there is no policy 9");
  });

  test("remove", () => {
    expect(ids(removePolicy(policies, 3))).toEqual([1, 4]);
    expect(ids(removePolicy(policies, 9))).toBe("there is no policy 9");
  });
});
