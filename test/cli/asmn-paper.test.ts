/** evpnctl asmn paper: what it prints, and that it is never more than a show. */
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { PAPER_WARNING, type PaperReport } from "../../src/asmn/paper/index.js";
import { evpnctl } from "./lib/host.js";

let directory: string;
let image: string;
let other: string;

beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), "evpnd-paper-"));
  [image, other] = [join(directory, "image"), join(directory, "other")];
  writeFileSync(image, "image of a VNF");
  writeFileSync(other, "image of a fake");
});
afterAll(() => rmSync(directory, { recursive: true }));

const widest = (text: string) => Math.max(...text.split("\n").map((line) => line.length));

describe("run", () => {
  test("ASM-11, ASM-72: each message and step, with the mode and a warning", async () => {
    const { code, out, err } = await evpnctl(`asmn paper run --hash md5 --image ${image}`);
    expect(code).toBe(0);
    expect(err).toBe(`${PAPER_WARNING}\n`);
    expect(out).toMatch(/^ +1 {2}VIM -> Sec-EM +register +id=[0-9a-f]{19}… name=VNF1 /m);
    expect(out).toMatch(/^ +\d+ {2}VNF1 -> VNF2 +public /m);
    expect(out).toContain("[1] Sec-EM about VNF2: trusted, it has link 4\n");
    expect(out).toMatch(/^Mode: +paper$/m);
    expect(out).toMatch(/^Cipher: +AES-256-CBC with a random IV, no integrity check$/m);
    expect(out).toMatch(/^Exponent: exponents are 128 bits, at most 39 decimal digits;/m);
    expect(out).toMatch(/^Reached: +phase 3 of 3$/m);
    expect(widest(out)).toBeLessThanOrEqual(80);
  });

  test("ASM-72: JSON states the mode, and every message", async () => {
    const words = `asmn paper run --image ${image} ${image} --renewals 0 --json`;
    const { code, out } = await evpnctl(words);
    const report = JSON.parse(out) as PaperReport;
    expect(code).toBe(0);
    expect(report).toMatchObject({ mode: "paper", warning: PAPER_WARNING, hash: "sha1" });
    expect(report.trace.map(({ number }) => number)).toEqual(report.trace.map((_, at) => at + 1));
  });

  test("ASM-03: a fake ends with exit code 1", async () => {
    const { code, out } = await evpnctl(`asmn paper run --image ${image} --fake ${other}`);
    expect(code).toBe(1);
    expect(out).toContain("Sec-EM about VNF2: untrusted, it does not have link 4 of the image\n");
    expect(out).toMatch(/^Reached: +nothing: not authenticated$/m);
  });

  test("ASM-15: a lost renewal as well", async () => {
    const { code, out } = await evpnctl(`asmn paper run --image ${image} --lose-renewal`);
    expect(code).toBe(1);
    expect(out).toContain("a renewal was missed");
  });

  test("ASM-20: another q; one that gives trivial keys is refused", async () => {
    const words = `asmn paper run --image ${image} --renewals 0 --q`;
    expect((await evpnctl(`${words} 5`)).out).toMatch(/ group +p=f+c90… q=05$/m);
    expect(await evpnctl(`${words} 1`)).toMatchObject({
      code: 1,
      err: `${PAPER_WARNING}\nevpnctl: q = 1 gives everybody the same key; choose one from 2 to p - 2\n`,
    });
    expect(await evpnctl(`${words} 0`)).toMatchObject({ code: 1 });
    expect(await evpnctl(`${words} two`)).toMatchObject({ code: 2 });
  });

  test("wrong words are told", async () => {
    expect(await evpnctl("asmn paper run")).toMatchObject({ code: 2 });
    expect((await evpnctl(`asmn paper run --image ${image} --hash sha256`)).err).toContain(
      "Allowed choices are crc32, md5, sha1",
    );
    const three = await evpnctl(`asmn paper run --image ${image} ${image} ${image}`);
    expect(three).toMatchObject({
      code: 2,
      err: "evpnctl: --image takes one file, or two: of VNF1 and of VNF2\n",
    });
    const none = await evpnctl(`asmn paper run --image ${directory}/none`);
    expect(none.code).toBe(1);
    expect(none.err).toMatch(/none cannot be read \(ENOENT\)/);
  });
});

describe("attack", () => {
  test("ASM-73: each of the three, by name", async () => {
    for (const [name, id] of [
      ["key", "ASM-60"],
      ["identifier", "ASM-64"],
      ["replay", "ASM-62"],
    ]) {
      const { code, out, err } = await evpnctl(`asmn paper attack ${name} --image ${image}`);
      expect(code).toBe(0);
      expect(err).toBe(`${PAPER_WARNING}\n`);
      expect(out).toMatch(/^Mode: +paper\n/);
      expect(out).toContain(`${name} (${id})`);
      expect(out).toMatch(/^Result: +the attack succeeds$/m);
      expect(out).toMatch(/^Sound mode: /m);
      expect(widest(out)).toBeLessThanOrEqual(80);
    }
  });

  test("all of them, with a made-up image, as JSON", async () => {
    const { code, out } = await evpnctl("asmn paper attack all --json");
    const { mode, reports } = JSON.parse(out) as {
      mode: string;
      reports: { succeeded: boolean }[];
    };
    expect(code).toBe(0);
    expect(mode).toBe("paper");
    expect(reports.map(({ succeeded }) => succeeded)).toEqual(reports.map(() => true));
    expect(reports).toHaveLength(7);
  });
});

describe("nothing but a show", () => {
  test("ASM-72: only this verb knows of paper mode: not the daemon, not sound mode", () => {
    const files = readdirSync("src", { recursive: true, encoding: "utf8" })
      .filter((name) => name.endsWith(".ts") && !name.startsWith("asmn/paper/"))
      .filter((name) => /from "[^"]*\bpaper\//.test(readFileSync(join("src", name), "utf8")));
    expect(files).toEqual(["cli/asmn-paper.ts"]);
  });

  test("ASM-72: it is off unless named: no verb but `paper` runs it", async () => {
    const { out } = await evpnctl("asmn --help");
    expect(out).toMatch(/paper .*the ASMN paper's mechanism/);
  });
});
