/** The search for secrets finds them in whatever form, and who writes one down is found out. */
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { canariesUnder } from "../interop/lib/canary-search.js";
import { Lab } from "../interop/lib/lab.js";
import { canary, CANARY_MARK, canaryIn, hexCanary } from "./canary.js";

const SECRET = canary('with "quotes" & blanks');
const FORMS: Record<string, string | Buffer> = {
  plain: `log: key ${SECRET} was refused`,
  JSON: JSON.stringify({ key: SECRET }),
  "JSON in JSON": JSON.stringify(JSON.stringify({ key: SECRET })),
  URL: encodeURIComponent(SECRET),
  hex: Buffer.from(SECRET).toString("hex"),
  "hex in capitals": Buffer.from(SECRET).toString("hex").toUpperCase(),
  "a dump": [...Buffer.from(SECRET)].map((octet) => octet.toString(16)).join(" "),
  "octets in JSON": JSON.stringify([...Buffer.from(SECRET)]),
  "a buffer in JSON": JSON.stringify(Buffer.from(SECRET)),
  base64: Buffer.from(SECRET).toString("base64"),
  "base64 behind one octet": Buffer.from(`x${SECRET}`).toString("base64"),
  "base64 behind two octets": Buffer.from(`xx${SECRET}`).toString("base64url"),
  "UTF-16": Buffer.from(SECRET, "utf16le"),
  "a key of hexadecimal digits": hexCanary(),
};

test.each(Object.entries(FORMS))("IPS-86: a canary is found as %s", (_form, written) => {
  expect(canaryIn(written)).toBeDefined();
});

test("IPS-86: and nothing else is taken for one", () => {
  expect(canaryIn("a canary, and cnry7x93, and Y25yeTd4")).toBeUndefined();
});

test("IPS-86: in files, also across the pieces that are read; but not where secrets belong", () => {
  const directory = mkdtempSync(join(tmpdir(), "evpnd-canary-"));
  mkdirSync(join(directory, "state"));
  const write = (name: string, offset: number): string => {
    const path = join(directory, name);
    writeFileSync(path, Buffer.concat([Buffer.alloc(offset, "."), Buffer.from(SECRET)]));
    return path;
  };
  const piece = 4 * 1024 * 1024;
  const paths = [write("early", 0), write("late", piece - 5), write("state/deep", 2 * piece - 1)];
  const store = write("secrets", 7);
  const found = canariesUnder(directory, new Set([store]));
  expect(found.sort()).toEqual(paths.sort().map((path) => `${path} has a secret in it (as it is)`));
  rmSync(directory, { recursive: true, force: true });
});

test("IPS-86: a lab whose programs wrote or answered a secret fails when it closes", async () => {
  const lab = new Lab();
  lab.secretFile("key", SECRET);
  lab.writeFile("given.conf", `key ${SECRET}`);
  expect(lab.leaksNow()).toEqual([]);
  writeFileSync(join(lab.directory, "evpnd.log"), Buffer.from(SECRET).toString("base64"));
  lab.answered("GET /v1/configuration", JSON.stringify({ key: SECRET }));
  await expect(lab.close()).rejects.toThrow(/configuration.*\n.*evpnd\.log has a secret/);
});

test("IPS-86: every secret of the tests with real daemons is a canary", () => {
  const directory = join(import.meta.dirname, "..", "interop");
  const strangers = readdirSync(directory, { recursive: true, encoding: "utf8" })
    .filter((file) => file.endsWith(".ts"))
    .flatMap((file) => readFileSync(join(directory, file), "utf8").split("\n"))
    .filter((line) => /\b[A-Z_]*(?:SECRET|KEY|PSK|PASSWORD|TOKEN)S? = ["'`]/.test(line))
    .filter((line) => !line.includes(CANARY_MARK));
  expect(strangers).toEqual([]);
});
