/** The systemd unit: what keeps it small, and systemd's own opinion where it is installed. */
import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { expect, test } from "vitest";

const UNIT = "conf/evpnd.service";
const lines = readFileSync(UNIT, "utf8").split("\n");

test.each([
  "User=evpnd",
  "AmbientCapabilities=CAP_NET_BIND_SERVICE",
  "CapabilityBoundingSet=CAP_NET_BIND_SERVICE",
  "NoNewPrivileges=yes",
  "ProtectSystem=strict",
  "LimitCORE=0",
  // getifaddrs needs netlink.
  "RestrictAddressFamilies=AF_INET AF_INET6 AF_UNIX AF_NETLINK",
  "ExecReload=/bin/kill -HUP $MAINPID",
  // A bad file does not get better by trying again.
  "RestartPreventExitStatus=2",
  "RestartForceExitStatus=SIGHUP",
])("the unit says %s", (line) => {
  expect(lines).toContain(line);
});

test("nothing forbids what V8 needs", () => {
  expect(lines).not.toContain("MemoryDenyWriteExecute=yes");
});

const version = Number(
  /\d+/.exec(spawnSync("systemd-analyze", ["--version"]).stdout?.toString())?.[0],
);

// Offline ratings since 250.
test.skipIf(!(version >= 250))("systemd has no complaint, and rates it below 2.5", () => {
  const verify = spawnSync("systemd-analyze", ["verify", "--man=no", UNIT], { encoding: "utf8" });
  const complaints = `${verify.stdout}${verify.stderr}`
    .split("\n")
    // That it is not installed on this machine is no fault of the unit.
    .filter((line) => line.includes("evpnd.service") && !line.includes("is not executable"));
  expect(complaints).toEqual([]);
  const rate = ["security", "--offline=true", "--threshold=25", "--no-pager", UNIT];
  expect(spawnSync("systemd-analyze", rate).status).toBe(0);
});
