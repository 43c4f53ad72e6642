/** The kernel's word on UDP checksums: Node.js cannot read the socket option. */
import { readFileSync } from "node:fs";
import type { UdpChecksum } from "../control.js";

const FILE = "/proc/net/snmp";

export function readUdpChecksum(read = () => readFileSync(FILE, "utf8")): UdpChecksum {
  try {
    return { enabled: true, ...badChecksums(read()) };
  } catch {
    return { enabled: true, badChecksums: undefined, source: `platform default; no ${FILE} here` };
  }
}

function badChecksums(text: string): { badChecksums: number | undefined; source: string } {
  const [names = "", values = ""] = text.split("\n").filter((line) => line.startsWith("Udp:"));
  const index = names.split(" ").indexOf("InCsumErrors");
  const value = index < 0 ? NaN : Number(values.split(" ")[index]);
  return {
    badChecksums: Number.isFinite(value) ? value : undefined,
    source: `platform default; InCsumErrors of ${FILE}`,
  };
}
