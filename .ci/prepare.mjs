// Sets a checkout up, doing only what is missing. Arguments, in any order:
//   build    install the npm packages and compile src/ and perf/ into dist/
//   daemons  with root and apt: install the real routers that the interop tests start
// Run by `npm start`, `npm test` and `npm run perf`; needs nothing but Node.js and npm.
import { execFileSync, spawnSync } from "node:child_process";
import {
  chmodSync,
  existsSync,
  mkdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";

const top = join(import.meta.dirname, "..");
process.chdir(top);

const DAEMONS = {
  // command that proves the package is there -> Debian package
  "/usr/lib/frr/bgpd": "frr",
  gobgpd: "gobgpd",
  bird: "bird2",
  exabgp: "exabgp",
  ip: "iproute2",
  ping: "iputils-ping",
  arping: "iputils-arping",
  tshark: "tshark",
  dumpcap: "wireshark-common",
  bgpdump: "bgpdump",
  curl: "curl",
  freeradius: "freeradius",
  radsecproxy: "radsecproxy",
  radclient: "freeradius-utils",
  eapol_test: "eapoltest",
  openssl: "openssl",
  nft: "nftables",
  "/usr/sbin/charon-systemd": "charon-systemd",
  swanctl: "strongswan-swanctl",
  "/usr/lib/ipsec/plugins/libstrongswan-kernel-libipsec.so": "libcharon-extra-plugins",
  "/usr/lib/ipsec/plugins/libstrongswan-openssl.so": "libstrongswan-standard-plugins",
  "/usr/lib/ipsec/plugins/libstrongswan-curve25519.so": "libstrongswan-extra-plugins",
  strace: "strace",
  "kea-dhcp4": "kea-dhcp4-server",
  iperf3: "iperf3",
  hping3: "hping3",
  swtpm: "swtpm",
  tpm2_quote: "tpm2-tools",
  zsh: "zsh",
  fish: "fish",
};

/** Debian's hook that says whether a package may start its service: 101 = no. */
const SERVICE_POLICY = "/usr/sbin/policy-rc.d";

function run(command, args, env = {}) {
  const result = spawnSync(command, args, { stdio: "inherit", env: { ...process.env, ...env } });
  if (result.error) throw result.error;
  if (result.status !== 0) process.exit(result.status ?? 1);
}

function newerThan(file, mark) {
  return !existsSync(mark) || statSync(file).mtimeMs > statSync(mark).mtimeMs;
}

function installPackages() {
  const mark = "node_modules/.evpnd-installed";
  const lock = readFileSync("package-lock.json", "utf8");
  if (existsSync(mark) && readFileSync(mark, "utf8") === lock) return;
  console.log("evpnd: installing npm packages");
  run("npm", [
    "ci",
    "--include=dev",
    "--include=optional",
    "--no-audit",
    "--no-fund",
    "--loglevel=error",
  ]);
  mkdirSync("node_modules", { recursive: true });
  writeFileSync(mark, lock);
}

function build() {
  installPackages();
  const mark = "dist/.built";
  const sources = execFileSync(
    "find",
    [
      "src",
      "perf",
      "package-lock.json",
      "tsconfig.json",
      "tsconfig.build.json",
      "-type",
      "f",
      ...(existsSync(mark) ? ["-newer", mark] : []),
    ],
    { encoding: "utf8" },
  );
  if (existsSync(mark) && sources.trim() === "" && !newerThan("src", mark)) return;
  console.log("evpnd: compiling");
  run(process.execPath, ["node_modules/typescript/bin/tsc", "-p", "tsconfig.build.json"]);
  // npm makes bin files executable when it links them, once; `npx evpnctl` must work after any build.
  const { bin } = JSON.parse(readFileSync("package.json", "utf8"));
  for (const file of Object.values(bin)) if (existsSync(file)) chmodSync(file, 0o755);
  writeFileSync(mark, new Date().toISOString());
}

function commandExists(name) {
  if (name.startsWith("/")) return existsSync(name);
  return (process.env.PATH ?? "")
    .split(":")
    .concat("/usr/sbin", "/sbin")
    .some((dir) => existsSync(join(dir, name)));
}

function installDaemons() {
  const missing = Object.entries(DAEMONS)
    .filter(([command]) => !commandExists(command))
    .map(([, name]) => name);
  if (missing.length === 0) return;
  if (process.getuid?.() !== 0 || !commandExists("apt-get")) {
    console.log(
      `evpnd: the interop tests want ${missing.join(", ")}; without root and apt they are skipped`,
    );
    return;
  }
  console.log(
    `evpnd: installing ${missing.join(", ")} for the interop tests (without starting services)`,
  );
  const quiet = !existsSync(SERVICE_POLICY);
  if (quiet) writeFileSync(SERVICE_POLICY, "#!/bin/sh\nexit 101\n", { mode: 0o755 });
  try {
    apt("update");
    apt("install", "-y", "--no-install-recommends", ...new Set(missing));
  } catch (error) {
    // The unit tests still have their say; the interop tests fail and name what is missing.
    console.error(`evpnd: ${error.message}`);
  } finally {
    if (quiet) rmSync(SERVICE_POLICY, { force: true });
  }
}

function apt(...args) {
  const options = [
    "-qq",
    "-o",
    "DPkg::Lock::Timeout=300",
    "-o",
    "Acquire::Retries=3",
    "-o",
    "Dpkg::Use-Pty=0",
  ];
  const env = { ...process.env, DEBIAN_FRONTEND: "noninteractive" };
  const result = spawnSync("apt-get", [...options, ...args], { stdio: "inherit", env });
  if (result.error) throw result.error;
  if (result.status !== 0) throw new Error(`apt-get ${args.join(" ")} ended with ${result.status}`);
}

for (const task of process.argv.slice(2)) {
  if (task === "build") build();
  else if (task === "daemons") installDaemons();
  else throw new Error(`prepare.mjs: unknown task ${task}; it knows build and daemons`);
}
