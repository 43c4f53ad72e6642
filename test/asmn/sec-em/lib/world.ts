/** A Sec-EM over loopback with a disk and a clock of the test's, and what it takes to play the others. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { onTestFinished } from "vitest";
import { generateSigningKey } from "../../../../src/asmn/crypto/index.js";
import { SecEmService, type Actor } from "../../../../src/asmn/sec-em/index.js";
import type {
  AsmnTenantSettings,
  AsmnVnfSettings,
  SecEmSettings,
} from "../../../../src/asmn/settings.js";
import { silentLog, type Log } from "../../../../src/util/log.js";
import { toHex } from "../../../../src/util/bytes.js";
import { ManualClock } from "../../../radius/lib/hand-clock.js";
import { TestDisk } from "./disk.js";

export const OPERATOR: Actor = { role: "operator", name: "alice" };
export const VIM: Actor = { role: "vim", name: "openstack" };
export const VNFM: Actor = { role: "vnfm", name: "tacker" };
export const IMAGE = "1a".repeat(32);
export const OTHER_IMAGE = "2b".repeat(32);
export const MANIFEST = "3c".repeat(32);

export function vnf(name: string, change: Partial<AsmnVnfSettings> = {}): AsmnVnfSettings {
  return {
    ...{ name, role: "edge", addresses: ["127.0.0.1"], as: 65001, routerId: "192.0.2.1" },
    ...{ binding: "address", rootOfTrust: "none", maxInstances: 2 },
    manifest: { allowedChanges: [] },
    bgp: { sessions: 0, updatesPerSecond: 0, prefixes: 0 },
    ...change,
  };
}

export function tenant(change: Partial<AsmnTenantSettings> = {}): AsmnTenantSettings {
  return {
    ...{ name: "red", defaultAction: "drop", vnfs: [vnf("pe"), vnf("rr")], alarms: [] },
    catalog: [
      {
        ...{ from: "pe", to: "rr", protocol: "tcp", port: 179, portEnd: undefined },
        ...{ rate: 10_000_000, burst: undefined, packetRate: undefined },
      },
    ],
    ...change,
  };
}

export function secEmSettings(change: Partial<SecEmSettings> = {}): SecEmSettings {
  return {
    ...{ name: "sec-em-1", audience: "evpnd", stateDirectory: "/nowhere" },
    listen: [{ address: "127.0.0.1", port: 0 }],
    feedListen: [{ address: "127.0.0.1", port: 0 }],
    ...{
      feeds: [],
      rootKeyFile: undefined,
      imageDirectory: undefined,
      roles: { vim: [], vnfm: [] },
    },
    ...{ verdictLifetimeSeconds: 300, heartbeatSeconds: 5, renewalSeconds: 60 },
    ...{ tokenLifetimeSeconds: 3600, upgradeSeconds: 3600, verdictKeySeconds: 0 },
    keyOverlapSeconds: 3600,
    limits: {
      ...{ connections: 2000, connectionsPerAddress: 2000, handshakesPerSecond: 2000 },
      auditOctets: 1024 * 1024,
    },
    ...{
      platformKeys: [],
      platformDocumentSeconds: 0,
      tpmKeys: [],
      packageKeys: [],
      tenants: [tenant()],
    },
    ...change,
  };
}

export interface World {
  readonly settings: SecEmSettings;
  readonly clock: ManualClock;
  readonly disk: TestDisk;
  service: SecEmService;
  /** The process dies without a word, and another one begins on its disk. */
  restart(): Promise<void>;
}

/** Ends with its test. */
export async function world(
  change: Partial<SecEmSettings> = {},
  log: Log = silentLog,
): Promise<World> {
  const stateDirectory = mkdtempSync(join(tmpdir(), "evpnd-sec-em-"));
  const settings = secEmSettings({ stateDirectory, ...change });
  const clock = new ManualClock();
  const disk = new TestDisk();
  const start = (): Promise<SecEmService> =>
    SecEmService.start({
      ...{ settings, clock, log, store: disk.store(clock) },
      ...{ auditDisk: disk.audit, reserveDisk: disk.reserve },
    });
  const made: World = {
    ...{ settings, clock, disk, service: await start() },
    async restart() {
      const before = made.service;
      disk.kill();
      void before.stop();
      disk.full = false;
      made.service = await start();
    },
  };
  onTestFinished(async () => {
    await made.service.stop();
    rmSync(stateDirectory, { recursive: true, force: true });
  });
  await made.service.registerImage(
    {
      ...{ tenant: "red", vnf: "pe", digest: IMAGE, manifest: undefined, version: "1" },
      ...{ signer: undefined, signature: undefined, overlapSeconds: undefined },
    },
    VIM,
  );
  return made;
}

/** A key and a token for it. */
export async function enrolment(
  { service }: World,
  instance = "1",
  change: Partial<Parameters<SecEmService["issueToken"]>[0]> = {},
) {
  const key = generateSigningKey();
  const { token } = await service.issueToken(
    {
      ...{ tenant: "red", vnf: "pe", instance, image: IMAGE, publicKey: toHex(key.publicKey) },
      ...{ bgp: undefined, lifetimeSeconds: undefined, replace: false },
      ...change,
    },
    VIM,
  );
  return { key, token };
}
