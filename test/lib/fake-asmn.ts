/** Trust checks in a test's hand, for the API, the command line and the metrics: rows with something in every member. */
import {
  SecEmError,
  type Actor,
  type AsmnCatalogEntry,
  type AsmnControl,
  type BreakGlassRow,
  type CatalogRow,
  type GateControl,
  type GatewayControl,
  type ImageRow,
  type InstanceRow,
  type KeyRow,
  type MeasureJob,
  type SecEmControl,
  type SecEmStatus,
  type TpmKeyRow,
  type VnfDescriptor,
  type VnfRow,
} from "../../src/asmn/index.js";
import type { GateStatus, GatewayStatus } from "../../src/asmn/index.js";

export const WALL = 1_700_000_000_000;
export const DIGEST = "ab".repeat(32);
/** Of the token that the fake makes: nowhere but in that answer. */
export const TOKEN_SECRET = "c0ffee".repeat(12);

const LINE: AsmnCatalogEntry = {
  ...{ from: "edge", to: "store", protocol: "tcp", port: 8000, portEnd: 8099 },
  ...{ rate: 10_000_000, burst: 65_536, packetRate: 50 },
};
const OTHER_LINE: AsmnCatalogEntry = {
  ...{ from: "store", to: "*", protocol: "icmp", port: undefined, portEnd: undefined },
  ...{ rate: undefined, burst: undefined, packetRate: undefined },
};

export function instanceRow(over: Partial<InstanceRow> = {}): InstanceRow {
  return {
    ...{ tenant: "blue", vnf: "edge", instance: "edge-1", id: "12".repeat(32) },
    ...{ publicKey: "34".repeat(32), state: "trusted", reason: "proved", chain: 7 },
    ...{ since: WALL - 60_000, attestedAt: WALL - 5000, image: DIGEST },
    bgp: { addresses: ["192.0.2.11"], as: 65000, routerId: "192.0.2.11", binding: "address" },
    ...{ verdictLeftMs: 290_000, verdictSerial: 12, connected: true, revoked: false },
    ...{ cloned: false, step: "controlled", root: "none" },
    ...over,
  };
}

const CLONE = instanceRow({
  ...{ instance: "edge-2", state: "untrusted", cloned: true, verdictLeftMs: undefined },
  reason: "clone: two ran with one state, and a sentence that is far too long for a table",
});

const VNF: VnfRow = {
  tenant: "blue",
  descriptor: {
    ...{ name: "edge", role: "edge", addresses: ["192.0.2.11"], as: 65000 },
    ...{ routerId: "192.0.2.11", binding: "address", rootOfTrust: "none", maxInstances: 1 },
    manifest: { allowedChanges: ["file:/etc/frr/*"] },
    bgp: { sessions: 1, updatesPerSecond: 100, prefixes: 1000 },
  },
  ...{ source: "configuration", images: 1, instances: 2, trusted: 1 },
};

const CATALOG: CatalogRow = {
  ...{ tenant: "blue", version: 3, digest: DIGEST, defaultAction: "drop" },
  entries: [LINE, OTHER_LINE],
  alarms: [
    {
      ...{ name: "dawn", from: "store", to: undefined, octets: 1_000_000, windowSeconds: 600 },
      between: { start: "02:00", end: "05:00" },
    },
  ],
  document: "5ec2e7",
};

const IMAGE: ImageRow = {
  ...{ tenant: "blue", vnf: "edge", digest: DIGEST, manifest: undefined, version: "1.0" },
  ...{ signer: "build", registeredBy: "vim:local", registeredAt: WALL - 3_600_000 },
  ...{ validUntil: WALL + 3_600_000, valid: true },
};

const TPM_KEY: TpmKeyRow = {
  ...{ name: "rack-7", tenant: "blue", vnf: "edge", instance: "edge-1", image: DIGEST },
  ...{ keyId: "9c".repeat(16), algorithm: "ec-p256", source: "api" },
  pcrs: [
    { pcr: 0, value: DIGEST },
    { pcr: 14, value: "image" },
  ],
  ...{ registeredBy: "vim:local", registeredAt: WALL },
};

const KEY: KeyRow = {
  ...{ id: "k1", use: "root", publicKey: "56".repeat(32), state: "pinned" },
  ...{ since: WALL, until: WALL + 86_400_000 },
};

const GRANT: BreakGlassRow = {
  ...{ id: "g1", scope: { tenant: "blue", vnf: "edge" }, address: "192.0.2.11" },
  ...{ name: "a.operator", reason: "Sec-EM upgrade", seconds: 1800 },
  ...{ begins: WALL, ends: WALL + 1_800_000, state: "open", document: "d0c0" },
};

const SEC_EM: SecEmStatus = {
  ...{ name: "sec-em", epoch: 2, revocation: 9, rootKey: KEY.publicKey },
  transportKey: "78".repeat(32),
  listening: [{ address: "192.0.2.1", port: 7201 }],
  feedListening: [{ address: "192.0.2.1", port: 7203 }],
  instances: { trusted: 1, untrusted: 1, unknown: 0, stale: 0 },
  feeds: [
    {
      ...{ name: "far", kind: "gate", address: "192.0.2.7", connectedAt: WALL },
      ...{ waiting: 0, applied: 9 },
    },
  ],
  counters: {
    ...{ connections: 5, connectionsRefused: 1, handshakesFailed: 2, enrolments: 2 },
    ...{ enrolmentsRefused: 1, renewals: 40, renewalsRefused: 3, renewalsResumed: 1 },
    ...{ chainsStale: 1, clones: 1, revocations: 9, verdicts: 77, badFrames: 4 },
    storageFaults: 0,
  },
  alarms: ["blue/edge/edge-2 was seen twice; evpnctl asmn vnfs says more"],
  refusals: [
    {
      ...{ address: "192.0.2.66", subject: "blue/edge/edge-1", times: 3, at: WALL - 5000 },
      reason: "wrong-key: the TLS key is not the instance's",
    },
  ],
};

const GATE: GateStatus = {
  ...{ audience: "evpnd", dryRun: false, publicKey: "9a".repeat(32) },
  sources: [
    {
      ...{ name: "local", link: "up", why: "", state: "alive", secondsSinceHeartbeat: 1.5 },
      ...{ synchronized: true, entries: 2, refused: 1, lastRefusal: "serial" },
    },
  ],
  ...{ instances: 2, trusted: 1, inGrace: true },
  breakGlass: [
    {
      ...{ serial: 4, operator: "a.operator", why: "upgrade", tenant: "blue" },
      ...{ vnf: "edge", instance: undefined, address: undefined, secondsLeft: 1200 },
    },
  ],
  applied: [
    {
      ...{ address: "192.0.2.11", revision: 5, sessions: 1, routes: 300 },
      ...{ beganMs: 0.5, doneMs: 4.25, at: WALL - 3000 },
    },
  ],
};

const COUNT = { packets: 10, octets: 1000 };
const GATEWAY: GatewayStatus = {
  ...{ state: "enforcing", tenant: "blue", table: "evpnd_asmn" },
  catalog: {
    ...{ version: 3, digest: DIGEST, entries: 2, action: "drop", since: WALL - 9000 },
    tookMs: 12.5,
  },
  ...{ open: 1, members: 2, repairs: 1, problems: ["tc is missing; install iproute2"] },
  counters: {
    ...{ secem: COUNT, secem_excess: COUNT, secem_crowd: COUNT, closed: COUNT, spoofed: COUNT },
    ...{ abnormal: COUNT, lowered: COUNT, slowed: COUNT, policed: COUNT },
  },
  alarms: [
    {
      ...{ name: "dawn", vnf: "store", to: undefined, octets: 2_000_000, since: WALL },
      ...{ until: undefined, text: "dawn: store sent 2000000 octets to outside within 600 s" },
    },
  ],
  interfaces: [{ name: "eth1", shaped: true }],
  breakGlass: [
    {
      ...{ serial: 4, operator: "a.operator", why: "upgrade", tenant: "blue" },
      ...{ vnf: "edge", instance: undefined, address: "10.0.0.9", secondsLeft: 1200 },
    },
  ],
};

/** What the parts were asked to do, a line each. */
export class FakeAsmn {
  readonly asked: string[] = [];
  /** The last VNF that was registered. */
  registered: VnfDescriptor | undefined;
  roles = { vim: [] as string[], vnfm: [] as string[] };
  status: Awaited<ReturnType<AsmnControl["status"]>> = {
    secEm: SEC_EM,
    gate: GATE,
    gateway: GATEWAY,
  };

  readonly asmn: AsmnControl = {
    status: () => Promise.resolve(this.status),
    roles: () => Promise.resolve(this.roles),
    keys: () =>
      Promise.resolve([
        KEY,
        {
          ...({ id: "gate", use: "gate", publicKey: GATE.publicKey, state: "current" } as const),
          ...{ since: undefined, until: undefined },
        },
      ]),
    configuredCatalog: () => Promise.resolve([OTHER_LINE]),
    startMeasure: (file) => Promise.resolve(this.job(file, "running")),
    measureJob: () => Promise.resolve(this.job("", this.jobs++ === 0 ? "running" : "done")),
    endMeasure: () => this.note("measured"),
  };
  private jobs = 0;

  readonly secEm: SecEmControl = {
    status: () => Promise.resolve(SEC_EM),
    vnfs: () => Promise.resolve([VNF]),
    registerVnf: (vnf, actor) => {
      this.registered = vnf;
      return this.done(VNF, "register", vnf.descriptor.name, actor);
    },
    removeVnf: ({ vnf }, actor) => this.done(undefined, "remove", vnf, actor),
    catalogs: () => Promise.resolve([CATALOG]),
    setCatalog: (tenant, entries, actor) =>
      this.done(CATALOG, "catalog", `${tenant} ${entries.length}`, actor),
    images: () => Promise.resolve([IMAGE]),
    registerImage: ({ digest }, actor) => this.done(IMAGE, "image", digest, actor),
    withdrawImage: (_name, digest, actor) => this.done(undefined, "withdraw", digest, actor),
    tpmKeys: () => Promise.resolve([TPM_KEY]),
    registerTpmKey: ({ name, pcrs }, actor) => {
      const values = pcrs.map(({ pcr, value }) => `${pcr}=${value}`).join(" ");
      return this.done(TPM_KEY, "tpm", `${name} ${values}`, actor);
    },
    removeTpmKey: (name, actor) => this.done(undefined, "tpm-remove", name, actor),
    tokens: () =>
      Promise.resolve([
        {
          ...{ id: "t1", tenant: "blue", vnf: "edge", instance: "edge-1", image: DIGEST },
          ...{ publicKey: undefined, issuedBy: "vim:local", expires: WALL + 600_000 },
          state: "open",
        } as const,
      ]),
    issueToken: ({ instance, bgp }, actor) =>
      this.done(
        { id: "t2", token: TOKEN_SECRET, expires: WALL + 3_600_000 },
        "token",
        `${instance} ${bgp?.addresses.join() ?? "as described"}`,
        actor,
      ),
    withdrawToken: (id, actor) => this.done(undefined, "withdraw", id, actor),
    instances: ({ instance, state }) => {
      const rows = [instanceRow(), CLONE].filter(
        (row) =>
          (instance === undefined || row.instance === instance) &&
          (state === undefined || row.state === state),
      );
      return Promise.resolve({ rows, next: undefined });
    },
    verify: ({ instance }, actor) => {
      if (instance === "nobody") {
        const missing = new SecEmError("not-found", "there is no instance blue/edge/nobody");
        return Promise.reject(missing);
      }
      const answer = { row: instanceRow(), outcome: "proven", tookMs: 12.5 } as const;
      return this.done(answer, "verify", instance, actor);
    },
    revoke: ({ tenant }, reason, actor) =>
      this.done({ changed: 2, revocation: 10, kept: true }, "revoke", `${tenant} ${reason}`, actor),
    restore: ({ tenant }, reason, actor) =>
      this.done(
        { changed: 1, revocation: 10, kept: false },
        "restore",
        `${tenant} ${reason}`,
        actor,
      ),
    removeInstance: ({ instance }, actor) => this.done(undefined, "remove", instance, actor),
    keys: () => Promise.resolve([KEY]),
    rotateKeys: (withdraw, actor) => this.done([KEY], "rotate", String(withdraw), actor),
    takeOver: (above, actor) => this.done(SEC_EM, "take-over", String(above), actor),
    breakGlass: () => Promise.resolve([GRANT]),
    openBreakGlass: ({ name }, actor) => this.done(GRANT, "break-glass", name, actor),
    endBreakGlass: (id, actor) => this.done(undefined, "end", id, actor),
    audit: () =>
      Promise.resolve([
        {
          ...{ sequence: 1, time: WALL, actor: "operator:local", action: "revoke" },
          ...{ subject: "blue/edge/*", detail: "key lost", digest: DIGEST },
        },
      ]),
    verifyAudit: () =>
      Promise.resolve({
        ...{ whole: true, entries: 12, first: 1, last: 12, heads: 1, signedTo: 10 },
        problem: undefined,
      }),
  };

  readonly gate: GateControl = {
    status: () => Promise.resolve(GATE),
    instances: () =>
      Promise.resolve([
        {
          ...{ subject: "blue/edge/edge-1", id: "12".repeat(32), state: "trusted", reason: "" },
          ...{ addresses: ["192.0.2.11"], as: 65000, routerId: undefined, binding: "tls-proxy" },
          ...{ root: "none", source: "local", epoch: 2, serial: 12, secondsLeft: 290.5 },
          grace: false,
        } as const,
      ]),
    gated: () =>
      Promise.resolve([
        {
          ...{ address: "192.0.2.12", state: "unknown", reason: "nobody has proved himself there" },
          ...{ effect: "admit", spared: "refuse", subject: "", at: WALL },
        } as const,
      ]),
    breakGlass: (document) => {
      void this.note(`admit ${document}`);
      return Promise.resolve(GATE.breakGlass[0]!);
    },
    endBreakGlass: (serial) => this.note(`end ${serial}`),
  };

  readonly gateway: GatewayControl = {
    status: () => Promise.resolve(GATEWAY),
    members: () =>
      Promise.resolve([
        {
          ...{ vnf: "edge", instance: "edge-1", id: "12".repeat(32), state: "trusted", reason: "" },
          ...{ addresses: ["10.0.0.1"], open: true, leftMs: 1000.5 },
        } as const,
      ]),
    flows: () =>
      Promise.resolve([
        { name: "edge > store tcp 8000-8099", limits: "10 Mbit/s", forth: COUNT, answers: COUNT },
      ]),
    script: () => Promise.resolve("table inet evpnd_asmn {}\n"),
    compare: () => Promise.resolve({ changes: [], problems: [] }),
    repair: (actor) => this.note(`repair ${actor}`).then(() => true),
    breakGlass: (document) => {
      void this.note(`admit traffic ${document}`);
      return Promise.resolve(GATEWAY.breakGlass[0]!);
    },
    endBreakGlass: (serial) => this.note(`end traffic ${serial}`).then(() => true),
    remove: (actor) => this.note(`remove ${actor}`),
    install: (actor) => this.note(`install ${actor}`),
  };

  /** Members of the API's backend. */
  get backend() {
    const { asmn, secEm, gate, gateway } = this;
    return { asmn, asmnSecEm: secEm, asmnGate: gate, asmnGateway: gateway };
  }

  private note(line: string): Promise<void> {
    this.asked.push(line);
    return Promise.resolve();
  }

  private done<T>(answer: T, what: string, whom: string, { role, name }: Actor): Promise<T> {
    this.asked.push(`${what} ${whom} by ${role}:${name}`);
    return Promise.resolve(answer);
  }

  private job(file: string, state: "running" | "done"): MeasureJob {
    const digest = state === "done" ? DIGEST : undefined;
    const octets = state === "done" ? 1_000_000 : 500_000;
    void this.note(`measure ${file}`);
    return { id: 1, octets, total: 1_000_000, state, digest, problem: undefined, tookMs: 3.5 };
  }
}
