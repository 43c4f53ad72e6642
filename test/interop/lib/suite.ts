/**
 * `describeInterop` in place of `describe`: the tests want root and real daemons. Without root they
 * are skipped with one line; with EVPND_REQUIRE_DAEMONS=1 (CI) whatever is missing is a failure.
 */
import { existsSync } from "node:fs";
import { delimiter, join } from "node:path";
import { describe, onTestFailed, test } from "vitest";
import type { Lab } from "./lab.js";

const PROGRAMS = {
  iproute2: ["ip", "bridge"],
  ping: ["ping", "arping"],
  frr: ["/usr/lib/frr/bgpd", "/usr/lib/frr/zebra", "vtysh"],
  gobgp: ["gobgpd", "gobgp"],
  bird: ["bird", "birdc"],
  exabgp: ["exabgp"],
  tshark: ["tshark", "dumpcap"],
  bgpdump: ["bgpdump"],
  strongswan: ["/usr/sbin/charon-systemd"],
  nftables: ["nft"],
  freeradius: ["freeradius", "radclient"],
  eapol: ["eapol_test", "openssl"],
  radsecproxy: ["radsecproxy"],
  strace: ["strace", "stdbuf", "nsenter"],
  kea: ["kea-dhcp4"],
  traffic: ["iperf3", "hping3", "tc", "ss"],
  tpm: ["swtpm", "tpm2_quote"],
} as const;
export type Need = keyof typeof PROGRAMS;

export const required = process.env["EVPND_REQUIRE_DAEMONS"] === "1";

/** Why the tests cannot run here, or undefined. */
export function obstacle(needs: readonly Need[]): string | undefined {
  if (process.platform !== "linux" || process.getuid?.() !== 0) {
    return "they need root on Linux (network namespaces)";
  }
  const missing = [...new Set<Need>(["iproute2", ...needs])].filter(
    (need) => !PROGRAMS[need].every(exists),
  );
  if (missing.length === 0) return undefined;
  return `missing: ${missing.join(", ")} (node .ci/prepare.mjs daemons installs them)`;
}

export function describeInterop(name: string, needs: readonly Need[], body: () => void): void {
  const why = obstacle(needs);
  if (why === undefined) {
    describe(name, body);
  } else if (required || process.getuid?.() === 0) {
    describe(name, () => {
      test("the machine has what it takes", () => {
        throw new Error(`interop tests cannot run: ${why}`);
      });
    });
  } else {
    process.stderr.write(`interop: ${name}: skipped, ${why}\n`);
    describe.skip(`${name} (skipped: ${why})`, body);
  }
}

/** Prints the programs' last words when the running test fails. Call it in `beforeEach`. */
export function showLogsOnFailure(lab: () => Lab | undefined): void {
  onTestFailed(() => {
    process.stderr.write(`${lab()?.logs() ?? "no lab"}\n`);
  });
}

function exists(program: string): boolean {
  if (program.startsWith("/")) return existsSync(program);
  const path = [...(process.env["PATH"] ?? "").split(delimiter), "/usr/sbin", "/sbin"];
  return path.some((directory) => existsSync(join(directory, program)));
}
