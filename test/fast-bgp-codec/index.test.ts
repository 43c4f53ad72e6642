import { readFileSync } from "node:fs";
import { runInNewContext } from "node:vm";
import { describe, expect, it } from "vitest";
import * as codec from "../../src/fast-bgp-codec/index.js";

const page = readFileSync(new URL("../../docs/fast-bgp-codec.md", import.meta.url), "utf8");

describe("docs/fast-bgp-codec.md", () => {
  const examples = [...page.matchAll(/```js\n([\s\S]*?)```/g)].map((match) => match[1]!);
  it("has examples", () => {
    expect(examples.length).toBeGreaterThanOrEqual(2);
  });
  it.each(examples)("example runs: %#", (source) => {
    const imported = [...source.matchAll(/import \{([^}]*)\} from "evpnd\/fast-bgp-codec";/g)];
    expect(imported).toHaveLength(1);
    const names = imported[0]![1]!
      .split(",")
      .map((name) => name.trim())
      .filter((name) => name !== "");
    for (const name of names) expect(codec, name).toHaveProperty(name);
    const body = source.replace(imported[0]![0], "");
    // Every line `console.log(x); // text` prints that text.
    const expected = [...body.matchAll(/console\.log\(.*\); \/\/ (.*)/g)].map((match) => match[1]!);
    expect(expected.length).toBeGreaterThan(0);
    const printed: string[] = [];
    const print = { log: (value: unknown) => printed.push(String(value)) };
    const scope = Object.fromEntries(
      names.map((name) => [name, codec[name as keyof typeof codec]]),
    );
    runInNewContext(body, { ...scope, console: print, Buffer, Uint8Array });
    expect(printed).toEqual(expected);
  });
  it("the package offers the folder under the name the page uses", () => {
    const text = readFileSync(new URL("../../package.json", import.meta.url), "utf8");
    const { exports } = JSON.parse(text) as { exports: Record<string, { default: string }> };
    expect(exports["./fast-bgp-codec"]?.default).toBe("./dist/src/fast-bgp-codec/index.js");
  });
});
