/** Every file in conf/ is loaded; the default is the one built in; the schema is the one in use. */
import { readdirSync, readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { EMBEDDED_CONFIG } from "../../src/config/embedded.js";
import { configSchema, formatIssue, loadConfig } from "../../src/config/index.js";
import { pki } from "../lib/pki.js";
import { check } from "./lib/check.js";

/** Files of agents in VNFs are not the daemon's: test/config/asmn-agent.test.ts loads them. */
const examples = readdirSync("conf").filter(
  (name) => name.endsWith(".yaml") && !name.startsWith("asmn-agent"),
);

test("there are examples", () => {
  expect(examples.length).toBeGreaterThanOrEqual(7);
});

describe.each(examples)("conf/%s", (name) => {
  const text = readFileSync(`conf/${name}`, "utf8");

  test("is good, with its secrets in place", () => {
    const files: Record<string, { text: string }> = {
      "/etc/evpnd/tls/api.crt": { text: pki("server.crt") },
      "/etc/evpnd/tls/api.key": { text: pki("server.key") },
      "/etc/evpnd/tls/clients.crt": { text: pki("ca.crt") },
      "/etc/evpnd/tls/dashboard.token": { text: "0123456789abcdef0123456789abcdef" },
      "/etc/evpnd/tls/radsec.crt": { text: pki("server.crt") },
      "/etc/evpnd/tls/radsec.key": { text: pki("server.key") },
      "/etc/evpnd/tls/radsec-ca.crt": { text: pki("ca.crt") },
      "/etc/evpnd/tls/lab.psk": { text: "00112233445566778899aabbccddeeff" },
    };
    for (const [, path] of text.matchAll(/(?:password|key|secret)-file: ([^\s,}]+)/g)) {
      files[`/etc/evpnd/${path}`] ??= { text: "key\n" };
    }
    for (const [, paths = ""] of text.matchAll(/secret-files: \[([^\]]+)\]/g)) {
      for (const path of paths.split(/,\s*/)) {
        files[`/etc/evpnd/${path}`] ??= { text: "long enough for a secret\n" };
      }
    }
    const result = check(text, { files, env: { EVPND_EDGE_KEY: "key" } });
    expect(result.ok ? result.warnings.map(formatIssue) : result.issues.map(formatIssue)).toEqual(
      [],
    );
  });

  test("holds no secret", () => {
    expect(text).not.toMatch(/^\s*password:/m);
  });

  test("passes the offline check as it stands", () => {
    expect(loadConfig({ file: `conf/${name}`, lenient: true }).ok).toBe(true);
  });
});

test("conf/evpnd.yaml is the embedded default", () => {
  expect(readFileSync("conf/evpnd.yaml", "utf8")).toBe(EMBEDDED_CONFIG);
});

test("conf/evpnd.schema.json is the schema in use", () => {
  const written = JSON.parse(readFileSync("conf/evpnd.schema.json", "utf8")) as unknown;
  expect(written).toEqual(JSON.parse(JSON.stringify(configSchema)));
});

test("the default listens on loopback only, without root, and needs no secret", () => {
  const result = loadConfig({});
  if (!result.ok) throw new Error("the default is refused");
  const { speaker, http } = result.settings;
  expect(speaker.listen).toEqual([{ address: "127.0.0.1", port: 1790 }]);
  expect(http.listen?.address).toBe("127.0.0.1");
  expect(speaker.dynamic.map((range) => [range.prefix, range.client])).toEqual([
    ["127.0.0.0/8", true],
  ]);
  expect(result.warnings).toEqual([]);
});

test("a file that is not there is an issue, not an exception", () => {
  const result = loadConfig({ file: "conf/none.yaml" });
  expect(result.ok ? [] : result.issues.map(formatIssue)).toEqual([
    "conf/none.yaml: the file cannot be read (ENOENT); check the path; conf/ has examples",
  ]);
});
