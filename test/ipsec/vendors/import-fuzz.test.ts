/**
 * Importers on random octets and on fixtures with damage: no exception but for bugs, bounded time and size, and
 * what is rendered of whatever came in comes in again as the same. The seed is fixed; EVPND_FUZZ_TEXTS makes it longer.
 */
import { readFileSync } from "node:fs";
import fc from "fast-check";
import { expect, test } from "vitest";
import { gatewayNamed, parseEspName, parseIkeName } from "../../../src/ipsec/model/index.js";
import { importText, IMPORTERS, renderGateway } from "../../../src/ipsec/vendors/index.js";
import type { ImportVendor } from "../../../src/ipsec/vendors/index.js";

const TEXTS = Number(process.env["EVPND_FUZZ_TEXTS"] ?? 300);
const SETTINGS = { seed: 20_261_121, numRuns: TEXTS };

const FIXTURES: Readonly<Record<ImportVendor, readonly string[]>> = {
  screenos: ["ssg-branch.printed.txt", "ssg-branch.clean.txt"],
  pix: ["pix.printed.txt", "pix.clean.txt"],
};

const fixture = (name: string) => readFileSync(`test/ipsec/fixtures/${name}`, "utf8");

/** Whatever came of a text, rendered and taken in again, is the same. */
function stable(vendor: ImportVendor, text: string): void {
  const first = importText(vendor, text);
  // Pieces of lines may grow together when they stand side by side again.
  if (first.notes.some(({ code }) => code === "unknown")) return;
  const gateway = gatewayNamed(first.model, first.gateway ?? "");
  if (gateway === undefined) return;
  const { files, findings } = renderGateway(first.model, gateway, {
    fingerprint: () => undefined,
    kept: first.kept,
  });
  // What cannot be rendered is said; then the text is another.
  if (findings.some(({ severity }) => severity === "error")) return;
  const second = importText(vendor, files[0]?.text ?? "", { gateway: first.gateway });
  expect(second.model).toEqual(first.model);
}

type Damage = (text: string, a: number, b: number) => string;

const DAMAGES: readonly Damage[] = [
  (text, a) => text.slice(0, a % text.length),
  (text, a) => text.slice(a % text.length),
  (text, a, b) => swap(text, a, b),
  (text, a, b) => splice(text, a, 1, String.fromCharCode(b % 256)),
  (text, a, b) => splice(text, a, b % 40, ""),
  (text, a) => splice(text, a, 0, '"'),
  (text, a) => splice(text, a, 0, "\n"),
  (text, a) => splice(text, a, 1, " "),
  (text, a, b) => lines(text, (all) => void all.splice(a % all.length, 1 + (b % 3))),
  (text, a, b) =>
    lines(text, (all) => void all.splice(a % all.length, 0, all[b % all.length] ?? "")),
  (text, a) => lines(text, (all) => (all[a % all.length] = `! ${all[a % all.length] ?? ""}`)),
  (text, a) =>
    lines(text, (all) => (all[a % all.length] = `# words. ${all[a % all.length] ?? ""}`)),
];

function splice(text: string, at: number, length: number, insert: string): string {
  const place = at % (text.length + 1);
  return text.slice(0, place) + insert + text.slice(place + length);
}

function lines(text: string, change: (all: string[]) => void): string {
  const all = text.split("\n");
  change(all);
  return all.join("\n");
}

function swap(text: string, a: number, b: number): string {
  return lines(text, (all) => {
    const [x, y] = [a % all.length, b % all.length];
    [all[x], all[y]] = [all[y] ?? "", all[x] ?? ""];
  });
}

test.each(IMPORTERS)("%s: fixtures with damage", (vendor) => {
  const edit = fc.tuple(fc.nat(DAMAGES.length - 1), fc.nat(100_000), fc.nat(100_000));
  fc.assert(
    fc.property(
      fc.constantFrom(...FIXTURES[vendor]),
      fc.array(edit, { minLength: 1, maxLength: 8 }),
      (name, edits) => {
        const text = edits.reduce((all, [kind, a, b]) => {
          return all === "" ? all : (DAMAGES[kind]?.(all, a, b) ?? all);
        }, fixture(name));
        stable(vendor, text);
      },
    ),
    SETTINGS,
  );
});

test.each(IMPORTERS)("%s: random characters", (vendor) => {
  fc.assert(
    fc.property(fc.string({ unit: "binary", maxLength: 2000 }), (text) => {
      importText(vendor, text);
    }),
    SETTINGS,
  );
});

test.each(IMPORTERS)("%s: words of its own in any order", (vendor) => {
  const words = [...new Set(FIXTURES[vendor].flatMap((name) => fixture(name).split(/[ \n]+/)))];
  const text = fc
    .array(fc.constantFrom(...words, "\n", "\n", '"', "#", "!", "-"), { maxLength: 400 })
    .map((list) => list.join(" "));
  fc.assert(
    fc.property(text, (one) => {
      stable(vendor, one);
    }),
    SETTINGS,
  );
});

const MIB = 1024 * 1024;

test.each([
  ["one endless line", "x".repeat(MIB)],
  ["a million quotes", '"'.repeat(MIB)],
  ["a comment without end", `# ${"set ike gateway ".repeat(MIB / 20)}`],
  ["wrapped for ever", `set ike gateway\n${'"a\n'.repeat(19_000)}`],
  ["a comment wrapped for ever", `! words\n${"and more words of it\n".repeat(19_000)}`],
  [
    "thousands of VPNs",
    Array.from(
      { length: 9000 },
      (_, i) => `set vpn "v${i}" gateway "g" proposal "g2-esp-3des-sha"`,
    ).join("\n"),
  ],
  [
    "thousands of map entries",
    Array.from({ length: 9000 }, (_, i) => `crypto map m ${i + 1} set peer 192.0.2.1`).join("\n"),
  ],
  ["a hundred thousand lines", "exit\n".repeat(100_000)],
  ["too long", "exit \n".repeat(MIB)],
])("bounded: %s", (_name, text) => {
  for (const vendor of IMPORTERS) {
    const begun = process.cpuUsage();
    const { notes } = importText(vendor, text);
    const { user, system } = process.cpuUsage(begun);
    expect(notes.length).toBeLessThanOrEqual(20_001);
    // Linear work takes a fraction of it; a square would take minutes.
    expect((user + system) / 1e6).toBeLessThan(20);
  }
});

test("IPS-27: words that every object of the language has are words like any other", () => {
  for (const word of ["__proto__", "constructor", "valueof", "hasOwnProperty"]) {
    for (const text of [`set ${word}`, `set ${word} x`, `set policy id 1 ${word}`]) {
      const { kept, notes } = importText("screenos", text);
      expect([text, kept.length + notes.length > 0]).toEqual([text, true]);
    }
    const proposals = `p1-proposal pre-g2-${word}-sha p2-proposal nopfs-esp-des-${word}`;
    importText("screenos", `set ike gateway x address 192.0.2.1 ${proposals}`);
    importText("pix", `${word}\n${word} x`);
    expect(parseIkeName(`pre-g2-${word}-sha`)).toBeUndefined();
    expect(parseIkeName(`pre-g2-des-${word}`)).toBeUndefined();
    expect(parseEspName(`nopfs-esp-${word}-sha`)).toBeUndefined();
    expect(parseEspName(`nopfs-esp-des-${word}`)).toBeUndefined();
  }
});
