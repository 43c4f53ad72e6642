/** docs/http.md names every request that the HTTP door answers, and no other. */
import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { buildServer } from "../../src/api/http.js";
import { FAMILIES } from "../../src/fast-bgp-codec/family.js";
import { silentLog } from "../../src/util/log.js";
import { FakeControl } from "../lib/fake-control.js";

const DONE = { ok: true, lines: [] };
const page = readFileSync("docs/http.md", "utf8");

/** `POST /v1/peers/ADDRESS/reset` of the table, without query and body. */
function written(): string[] {
  const rows = page.split("\n").filter((line) => /^\| `(GET|POST) /.test(line));
  return rows.flatMap((row) => {
    const [, method, rest = ""] = /^\| `(GET|POST) ([^|]*)\|/.exec(row) ?? [];
    const paths = rest.split(",").map((path) => path.replaceAll(/[`\s]/g, "").split("?", 1)[0]);
    return paths.map((path) => `${method} ${path}`);
  });
}

test("docs/http.md: requests", async () => {
  const backend = {
    control: new FakeControl(),
    log: silentLog,
    reload: () => Promise.resolve(DONE),
    config: {
      diff: () => Promise.reject(new Error("not asked")),
      confirm: () => Promise.resolve(DONE),
      rollback: () => Promise.resolve(DONE),
      running: () => ({ file: "", loaded: 0, pending: undefined, configuration: {} }),
      pending: () => undefined,
    },
    metrics: () => Promise.resolve({ contentType: "text/plain", text: "" }),
  };
  const server = buildServer(backend, () => ({
    listen: undefined,
    allowedHosts: [],
  }));
  const missing = written().filter((request) => {
    const [method = "", path = ""] = request.split(" ");
    const url = path.replace("ADDRESS", ":address");
    return !server.hasRoute({ method, url });
  });
  expect(missing).toEqual([]);
  const lines = flat(server.printRoutes({ commonPrefix: false, includeHooks: false }));
  await server.close();
  expect(lines.filter((request) => !written().includes(request))).toEqual([]);
});

/** Fastify's tree of routes to lines of method and whole path. */
function flat(tree: string): string[] {
  const open: string[] = [];
  return tree.split("\n").flatMap((line) => {
    const [, indent = "", part = "", methods = ""] =
      /^([│ ]*)[├└]── (\S*)(?: \(([A-Z, ]+)\))?$/.exec(line) ?? [];
    if (part === "") return [];
    open.length = indent.length / 4;
    open.push(part);
    const path = open.join("").replace(":address", "ADDRESS");
    return methods.split(", ").flatMap((one) => (/GET|POST/.test(one) ? [`${one} ${path}`] : []));
  });
}

test("docs/http.md: families", () => {
  const row = page.split("\n").find((line) => line.startsWith("| `family` ")) ?? "";
  expect(FAMILIES.map(({ name }) => name).filter((name) => !row.includes(`\`${name}\``))).toEqual(
    [],
  );
});
