/** The layers hold: no import against the table, no cycle, and the check itself can fail. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { beforeAll, describe, expect, test } from "vitest";
import { LAYERS, layerRules } from "./architecture/layers.js";
import { examine, sourceFiles } from "./architecture/lib.js";
import type { Examination } from "./architecture/lib.js";

describe("src/ and perf/", () => {
  let seen: Examination;
  beforeAll(async () => {
    seen = await examine(["src", "perf"], layerRules());
  });

  test("every file was examined", () => {
    const files = [...sourceFiles("src"), ...sourceFiles("perf")].sort();
    expect(files.length).toBeGreaterThan(50);
    expect([...seen.modules].sort()).toEqual(files);
  });

  test("every file belongs to exactly one layer", () => {
    const homes = seen.modules.map((path) => [
      path,
      LAYERS.filter((layer) => new RegExp(layer.files).test(path)).length,
    ]);
    expect(homes.filter(([, count]) => count !== 1)).toEqual([]);
  });

  test("no import goes against the table, and none goes round in a circle", () => {
    expect(seen.violations).toEqual([]);
  });
});

/** A small tree with faults planted in it, one per kind of rule. */
const PLANTED: Readonly<Record<string, string>> = {
  "src/util/ground.ts": "export const ground = 1;\n",
  "src/util/upward.ts": 'import "../fast-bgp-codec/codec.js";\n',
  "src/fast-bgp-codec/codec.ts": 'import "../util/ground.js";\n',
  "src/bgp/settings.ts": "export interface Settings { a: number }\nexport const value = 1;\n",
  "src/bgp/rib/good.ts":
    'import type { Settings } from "../settings.js";\nexport type S = Settings;\n',
  "src/bgp/rib/values.ts": 'import { value } from "../settings.js";\nexport const v = value;\n',
  "src/bgp/rib/next-stage.ts": 'import "../adj-rib-out/out.js";\n',
  "src/bgp/adj-rib-out/out.ts": 'import "../rib/good.js";\n',
  "src/bgp/session/types.ts": 'import type { S } from "../rib/good.js";\nexport type T = S;\n',
  "src/config/index.ts": 'import { good } from "../bgp/rib/good.js";\nexport const c = good;\n',
  "src/api/http.ts": 'import "../bgp/rib/good.js";\n',
  "src/telemetry/a.ts": 'import type { B } from "./b.js";\nexport type A = B;\n',
  "src/telemetry/b.ts": 'import type { A } from "./a.js";\nexport type B = A;\n',
  "perf/tool.ts": 'import "../src/config/index.js";\n',
};

test("the check finds what is planted, and nothing else", async () => {
  const top = mkdtempSync(join(tmpdir(), "evpnd-layers-"));
  try {
    for (const [path, text] of Object.entries(PLANTED)) {
      mkdirSync(dirname(join(top, path)), { recursive: true });
      writeFileSync(join(top, path), text);
    }
    const { modules, violations } = await examine(["src", "perf"], layerRules(), top);
    expect([...modules].sort()).toEqual(Object.keys(PLANTED).sort());
    expect(violations).toEqual([
      "api-imports: src/api/http.ts -> src/bgp/rib/good.ts",
      "bgp-rib-imports-values: src/bgp/rib/values.ts -> src/bgp/settings.ts",
      "bgp-rib-imports: src/bgp/rib/next-stage.ts -> src/bgp/adj-rib-out/out.ts",
      "bgp-session-imports: src/bgp/session/types.ts -> src/bgp/rib/good.ts",
      "config-imports-values: src/config/index.ts -> src/bgp/rib/good.ts",
      "no-cycle: src/telemetry/a.ts -> src/telemetry/b.ts",
      "perf-imports: perf/tool.ts -> src/config/index.ts",
      "util-imports: src/util/upward.ts -> src/fast-bgp-codec/codec.ts",
    ]);
  } finally {
    rmSync(top, { recursive: true });
  }
});
