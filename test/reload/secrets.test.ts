/** Keys and passwords, in every place that takes one: they are in nothing that anybody can read. */
import { expect, test } from "vitest";
import { formatIssue } from "../../src/config/index.js";
import { firstDraft, optionEdits, textOf, topEdits } from "./lib/edits.js";
import { load, Rig } from "./lib/rig.js";
import { ROLES } from "./lib/roles.js";
import { KEY_ENVIRONMENT, KEY_FILES } from "./lib/values.js";

/** All of them begin so, but for private keys and what has to be hexadecimal. */
const SECRET = /secret-(one|two|three|four|five|six|seven)|PRIVATE KEY|00112233445566778899aabb/;
const OPTIONS = ["password", "password-file", "password-env", "tcp-ao", "bfd"];
const TOPS = ["key-chains", "bmp", "api"];

test("the keys of this test are found by its pattern", () => {
  const files = Object.entries(KEY_FILES).filter(([name]) => !/\.(crt|crl)$/.test(name));
  for (const key of [...files.map(([, text]) => text), ...Object.values(KEY_ENVIRONMENT)]) {
    expect(key).toMatch(SECRET);
  }
});

test("a reload, its diff, the running configuration, views of peers and the log have none", async () => {
  const draft = firstDraft();
  const rig = new Rig(textOf(draft), ROLES);
  const edits = [
    ...[...optionEdits()].filter(([name]) => OPTIONS.includes(name)),
    ...[...topEdits()].filter(([name]) => TOPS.includes(name)),
  ].flatMap(([, list]) => list);
  let sawSecrets = 0;
  for (const { name, edit } of edits) {
    edit(draft);
    rig.text = textOf(draft);
    const readable = [
      await rig.reloader.diff(),
      await rig.reload(rig.text),
      rig.reloader.running(),
      rig.peers.views(),
      rig.reflector.audit(),
    ];
    expect(JSON.stringify(readable), name).not.toMatch(SECRET);
    if (SECRET.test(JSON.stringify(rig.reloader.settings))) sawSecrets++;
  }
  expect(sawSecrets).toBeGreaterThan(10);
  expect(rig.log.text).not.toMatch(SECRET);
});

/** Files with a secret in the wrong place or shape. */
const WRONG = [
  "peers: [{address: 10.0.0.1, password: [secret-one]}]",
  "peers: [{address: 10.0.0.1, password: {secret-one: 1}}]",
  `peers: [{address: 10.0.0.1, password: "${"secret-one".repeat(20)}"}]`,
  "peers: [{address: 10.0.0.1, password: *secret-one}]",
  "peers:\n  - address: 10.0.0.1\n    password: >secret-one\n",
  "peers: [{address: 10.0.0.1, password: secret-one, password-file: one.key}]",
  "peers: [{address: 10.0.0.1, password: secret-one, tcp-ao: nothing}]",
  "peers: [{address: 10.0.0.1, password-file: one.key, hold-time: 2}]",
  "peers: [{address: 10.0.0.1, password-env: ONE_KEY, pasword: secret-two}]",
  "bmp: {collectors: [{address: 10.0.0.1, password: [secret-one]}]}",
  "bmp: {collectors: [{address: 10.0.0.1, password: {secret-one: secret-two}}]}",
  "key-chains: {x: {keys: [{id: 1, secret: secret-one}]}}",
  "key-chains: {x: {keys: [{id: 1, secret-file: one.key, algorithm: md4}]}}",
];

test.each(WRONG)("no fault of %s quotes it", (line) => {
  const result = load(`as: 65000\nrouter-id: 10.0.0.254\n${line}\n`);
  expect(result.ok).toBe(false);
  if (result.ok) return;
  expect(result.issues.map(formatIssue).join("\n")).not.toMatch(SECRET);
});
