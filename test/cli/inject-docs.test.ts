/** The commands and requests of docs/inject-routes.md do what the page says. */
import { readFileSync } from "node:fs";
import { afterEach, beforeEach, expect, test } from "vitest";
import { openHttpDoor, type HttpDoor } from "../../src/api/index.js";
import type { InjectedPage } from "../../src/inject/index.js";
import { silentLog } from "../../src/util/log.js";
import { start } from "../inject/lib.js";
import { FakeControl } from "../lib/fake-control.js";
import { evpnctl } from "./lib/host.js";

const page = readFileSync("docs/inject-routes.md", "utf8");
const blocks = [...page.matchAll(/```sh\n([^`]*)```/g)].map(([, text = ""]) => text);

let started: ReturnType<typeof start>;
let door: HttpDoor | undefined;

beforeEach(async () => {
  started = start();
  const backend = {
    control: new FakeControl(),
    inject: started.injection.door,
    log: silentLog,
    reload: () => Promise.resolve({ ok: true, lines: [] }),
    metrics: () => Promise.resolve({ contentType: "text/plain", text: "" }),
  };
  door = await openHttpDoor(backend, {
    listen: { address: "127.0.0.1", port: 0 },
    allowedHosts: [],
  });
});
afterEach(() => door?.close());

test("evpnctl", async () => {
  const commands = blocks[0]!.trimEnd().split("\n");
  const url = `http://${door?.address}`;
  for (const command of commands) {
    const words = command.replace("--domain servers", "--domain red");
    const ran = await evpnctl(words.replace("npx evpnctl ", ""), { url });
    expect([ran.code, ran.err], command).toEqual([0, ""]);
    if (!command.endsWith("inject list")) continue;
    const { rows } = await started.injection.list({});
    expect(rows.map(({ type }) => type)).toEqual([
      ...["mac", "mac", "imet", "prefix", "es", "ad", "ad"],
    ]);
  }
  expect((await started.injection.list({})).rows).toEqual([]);
});

test("curl", async () => {
  const commands = [...blocks[1]!.matchAll(/curl ((?:[^']|'[^']*')*?)(?=\ncurl |\n$)/g)];
  expect(commands).toHaveLength(3);
  for (const [, words = ""] of commands) {
    const [, path = ""] = /http:\/\/127\.0\.0\.1:8179(\/[^\s']+)/.exec(words) ?? [];
    const [, body] = /-d '([^']*)'/.exec(words) ?? [];
    const answer = await fetch(`http://${door?.address}${path}`, {
      method: body === undefined ? "GET" : "POST",
      headers: { "content-type": "application/json" },
      ...(body !== undefined && { body }),
    });
    expect(answer.status, words).toBe(200);
    if (body !== undefined) continue;
    const { routes } = (await answer.json()) as { routes: InjectedPage["rows"] };
    expect(routes.map(({ type }) => type)).toEqual(["mac", "imet"]);
  }
  expect((await started.injection.list({})).rows).toEqual([]);
});
