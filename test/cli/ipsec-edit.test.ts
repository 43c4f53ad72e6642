/** evpnctl ipsec edit: on a copy of a shipped example. */
import { chmodSync, copyFileSync, mkdtempSync, readFileSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { loadConfig } from "../../src/config/index.js";
import { evpnctl } from "./lib/host.js";

let directory: string;
let file: string;

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "evpnctl-edit-"));
  file = join(directory, "ssg.yaml");
  copyFileSync("conf/ipsec-ssg.yaml", file);
});
afterEach(() => rmSync(directory, { recursive: true, force: true }));

const edit = (verb: string, ...args: readonly string[]) =>
  evpnctl(["ipsec", "edit", verb, file, "branch-ssg", ...args]);

function branch() {
  const result = loadConfig({ file, lenient: true });
  if (!result.ok) throw new Error("the file is broken");
  return result.settings.ipsec!.model.gateways[1]!;
}

const ids = () => branch().policies.map(({ id }) => id);

describe("IPS-24: policies", () => {
  test("clone, move, remove; everything else stays, comments too", async () => {
    const before = readFileSync(file, "utf8");
    expect(ids()).toEqual([3, 1, 4, 5]);
    expect((await edit("clone-policy", "3")).code).toBe(0);
    expect(ids()).toEqual([3, 6, 1, 4, 5]);
    expect(branch().policies[1]).toEqual({ ...branch().policies[0], id: 6 });
    await edit("move-policy", "6", "after", "5");
    expect(ids()).toEqual([3, 1, 4, 5, 6]);
    await edit("move-policy", "5", "before", "3");
    expect(ids()).toEqual([5, 3, 1, 4, 6]);
    await edit("remove-policy", "6");
    await edit("move-policy", "5", "after", "4");
    expect(ids()).toEqual([3, 1, 4, 5]);
    const words = (text: string) => text.replace(/\s+/g, "");
    expect(words(readFileSync(file, "utf8"))).toBe(words(before));
  });

  test("one that is not there", async () => {
    const before = readFileSync(file, "utf8");
    const result = await edit("remove-policy", "9");
    expect(result.code).not.toBe(0);
    expect(result.err).toContain("there is no policy 9");
    expect(readFileSync(file, "utf8")).toBe(before);
  });
});

describe("IPS-23: the address book", () => {
  test("an entry in use cannot be removed; one that is not can", async () => {
    const refused = await edit("remove-address", "Untrust", "HQ-net");
    expect(refused.code).not.toBe(0);
    expect(refused.err).toContain('"HQ-net" is in use by policy 3');
    await edit("add-address", "Trust", "lab", "203.0.113.64/26");
    expect(branch().addressBook.at(-1)).toEqual({
      zone: "Trust",
      name: "lab",
      prefix: "203.0.113.64/26",
    });
    await edit("remove-address", "Trust", "lab");
    expect(branch().addressBook).toHaveLength(3);
  });

  test("a prefix that is none, a gateway that is not there", async () => {
    expect((await edit("add-address", "Trust", "lab", "203.0.113.64/99")).err).toContain(
      "is no prefix",
    );
    const other = await evpnctl(["ipsec", "edit", "remove-policy", file, "hq", "1"]);
    expect(other.err).toContain('no gateway of the file is named "hq"');
  });
});

test("the file's mode stays; --print leaves the file alone", async () => {
  chmodSync(file, 0o640);
  await edit("clone-policy", "1");
  expect(statSync(file).mode & 0o777).toBe(0o640);
  const before = readFileSync(file, "utf8");
  const printed = await edit("clone-policy", "1", "--print");
  expect(printed.out).toContain("id: 7");
  expect(readFileSync(file, "utf8")).toBe(before);
});
