/**
 * The layer table as dependency-cruiser rules: who may import whom. One row per folder; a folder may
 * always import itself. A file that no row covers is a fault, so a new folder needs a row here.
 */
import type { IForbiddenRuleType } from "dependency-cruiser";

export interface Layer {
  readonly name: string;
  /** Regular expression of the files it is made of. */
  readonly files: string;
  /** Regular expressions of what its files may import beside themselves. */
  readonly may: readonly string[];
  /** The same, but types only. */
  readonly mayTypes?: readonly string[];
}

const UTIL = "^src/util/";
const CODEC = "^src/fast-bgp-codec/";
const CONTRACT = "^src/contract\\.ts$";
const CONTROL = "^src/bgp/control\\.ts$";
const WINGS = "^src/(bgp|fib|inject|ipsec|radius|asmn)/index\\.ts$";
const GEN = "^src/gen/";
/** What the stages of the speaker share as types: settings, and the seams of a session. */
const SEAMS = ["^src/bgp/settings\\.ts$", "^src/bgp/session/types\\.ts$"];

/** Where a module says what it can be told, with the defaults. */
const DEFAULTS = "^src/[^/]+/[^.]*(settings|options)\\.ts$";

export const LAYERS: readonly Layer[] = [
  { name: "util", files: UTIL, may: [] },
  { name: "fast-bgp-codec", files: CODEC, may: [UTIL] },
  { name: "contract", files: CONTRACT, may: [] },
  { name: "gen", files: GEN, may: [] },
  { name: "store", files: "^src/store/", may: [UTIL] },
  {
    name: "bgp-root",
    files: "^src/bgp/[^/]+\\.ts$",
    may: ["^src/bgp/", CODEC, CONTRACT, UTIL],
  },
  {
    // Change under load: which of the root's parts follows which setting.
    name: "bgp-live",
    files: "^src/bgp/live/",
    may: ["^src/bgp/", CODEC, UTIL],
  },
  {
    // Worlds that differ from this one: asks all of the root's parts, changes none.
    name: "bgp-what-if",
    files: "^src/bgp/what-if/",
    may: ["^src/bgp/", CODEC, UTIL],
  },
  {
    name: "bgp-tunnels",
    files: "^src/bgp/tunnels/",
    may: [CONTROL, "^src/bgp/policy/", "^src/bgp/rib/", CODEC, CONTRACT, UTIL],
    mayTypes: ["^src/bgp/"],
  },
  {
    name: "bgp-trust",
    files: "^src/bgp/trust/",
    may: ["^src/bgp/(limits|rib|transport)/", CODEC, CONTRACT, UTIL],
    mayTypes: ["^src/bgp/"],
  },
  { name: "bgp-transport", files: "^src/bgp/transport/", may: [UTIL], mayTypes: SEAMS },
  { name: "bgp-session", files: "^src/bgp/session/", may: [CODEC, UTIL], mayTypes: SEAMS },
  { name: "bgp-rib", files: "^src/bgp/rib/", may: [CODEC, UTIL], mayTypes: SEAMS },
  {
    name: "bgp-import-policy",
    files: "^src/bgp/policy/import\\.ts$",
    may: ["^src/bgp/policy/", CODEC, UTIL],
    mayTypes: SEAMS,
  },
  {
    // Export policy stands behind the rib in the flow of data: it reads what the rib keeps of an
    // attribute set and of a source. The rib knows nothing of it.
    name: "bgp-export-policy",
    files: "^src/bgp/policy/(?!import\\.ts$)",
    may: ["^src/bgp/policy/", "^src/bgp/rib/", CODEC, UTIL],
    mayTypes: SEAMS,
  },
  {
    name: "bgp-adj-rib-out",
    files: "^src/bgp/adj-rib-out/",
    may: ["^src/bgp/policy/", "^src/bgp/rib/", CODEC, UTIL],
    mayTypes: SEAMS,
  },
  {
    // Beside the rib: counts what is in it, and knows nothing of sending.
    name: "bgp-limits",
    files: "^src/bgp/limits/",
    may: ["^src/bgp/rib/", CODEC, UTIL],
    mayTypes: SEAMS,
  },
  {
    name: "bgp-audit",
    files: "^src/bgp/audit/",
    may: ["^src/bgp/adj-rib-out/", "^src/bgp/rib/", CODEC, UTIL],
  },
  {
    name: "bgp-bfd",
    files: "^src/bgp/bfd/",
    may: ["^src/bgp/transport/", UTIL],
  },
  {
    name: "bgp-restart",
    files: "^src/bgp/restart/",
    may: ["^src/bgp/rib/", CODEC, UTIL],
    mayTypes: SEAMS,
  },
  {
    name: "bgp-feeds",
    files: "^src/bgp/feeds/",
    may: ["^src/bgp/rib/", CODEC, UTIL],
    mayTypes: SEAMS,
  },
  {
    name: "fib",
    files: "^src/fib/",
    may: ["^src/bgp/rib/index\\.ts$", CODEC, "^src/store/", CONTRACT, UTIL],
  },
  {
    // Routes that clients have evpnd announce: it hands them to a sink, and knows no table.
    name: "inject",
    files: "^src/inject/",
    may: [CODEC, "^src/store/", UTIL],
  },
  ...["ipsec", "radius"].map((name) => ({
    name,
    files: `^src/${name}/`,
    may: [CONTRACT, "^src/store/", UTIL],
  })),
  {
    name: "asmn",
    files: "^src/asmn/(?!(paper|crypto|protocol)/)",
    may: ["^src/asmn/(crypto|protocol)/", CONTRACT, "^src/store/", UTIL],
  },
  { name: "asmn-crypto", files: "^src/asmn/crypto/", may: [UTIL] },
  {
    // Octets, keys and what the caller passes: no sockets, no files, no settings.
    name: "asmn-protocol",
    files: "^src/asmn/protocol/",
    may: ["^src/asmn/crypto/index\\.ts$", UTIL],
  },
  {
    // Protects nothing, so nothing of sound mode may rest on it: only evpnctl and tests know it.
    name: "asmn-paper",
    files: "^src/asmn/paper/",
    may: ["^src/asmn/measure/index\\.ts$", UTIL],
  },
  { name: "telemetry", files: "^src/telemetry/", may: [CONTROL, WINGS, CONTRACT, UTIL] },
  {
    name: "api",
    files: "^src/api/",
    may: [CONTROL, WINGS, "^src/telemetry/", CONTRACT, GEN, UTIL],
  },
  {
    name: "cli",
    files: "^src/cli/",
    may: [
      ...[GEN, UTIL, CODEC, "^src/config/"],
      // images are measured, and audit logs verified, without a daemon
      "^src/asmn/(agent|audit|measure|paper)/index\\.ts$",
    ],
  },
  { name: "web", files: "^src/web/", may: [] },
  {
    name: "config",
    files: "^src/config/",
    // A proposal's text and a tunnel's references are read by the model's own rules.
    may: [CODEC, UTIL, DEFAULTS, "^src/ipsec/(model|check)/index\\.ts$"],
    mayTypes: ["^src/"],
  },
  {
    // What a reload does to the parts that main.ts holds together.
    name: "reload",
    files: "^src/reload/",
    may: ["^src/(api|asmn|config|fib|ipsec|radius|telemetry)/index\\.ts$", UTIL],
    mayTypes: ["^src/"],
  },
  { name: "main", files: "^src/(main|daemon)\\.ts$", may: ["^src/"] },
  {
    name: "perf",
    files: "^perf/(?!bench-|asmn/)",
    may: ["^perf/asmn/tables\\.ts$", CODEC, UTIL],
  },
  // the paper's tables measure the parts themselves
  { name: "perf-asmn", files: "^perf/asmn/", may: ["^perf/", "^src/(asmn|store)/", UTIL] },
  // a micro-bench imports the stage that it measures
  {
    name: "bench",
    files: "^perf/bench-",
    may: ["^perf/", "^src/(bgp|fib)/", CODEC, CONTRACT, UTIL],
  },
];

/** Only `main` and the offline verbs of `cli` import `config`; nobody imports `main`. */
const own = "^(src|perf)/";

export function layerRules(): IForbiddenRuleType[] {
  const rules = LAYERS.flatMap(({ name, files, may, mayTypes = [] }): IForbiddenRuleType[] => [
    {
      name: `${name}-imports`,
      severity: "error",
      from: { path: files },
      to: { path: own, pathNot: [files, ...may, ...mayTypes] },
    },
    {
      name: `${name}-imports-values`,
      severity: "error",
      from: { path: files },
      to: {
        path: mayTypes.length > 0 ? [...mayTypes] : "^$",
        pathNot: [files, ...may],
        dependencyTypesNot: ["type-only"],
      },
    },
  ]);
  return [
    ...rules,
    {
      name: "no-cycle",
      severity: "error",
      from: { path: own },
      to: { circular: true },
    },
    {
      name: "resolvable",
      severity: "error",
      from: { path: own },
      to: { couldNotResolve: true },
    },
  ];
}
