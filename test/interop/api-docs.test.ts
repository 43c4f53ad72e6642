/**
 * The API of a running evpnd as its documents have it: every line of docs/http.md, docs/find-a-mac.md,
 * docs/grpc.md and docs/api-security.md is run, and every path of the OpenAPI document answers as it says.
 * Two small PEs (`evpnctl demo`) bring routes.
 */
import { credentials, status, type ServiceError } from "@grpc/grpc-js";
import { execFile, spawn, type ChildProcess } from "node:child_process";
import {
  copyFileSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { createServer, type AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { connect } from "node:tls";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { canary, canaryIn } from "../lib/canary.js";
import { OPERATIONS } from "../../src/api/service/index.js";
import { AnswerCheck } from "../api/lib/answers.js";
import { ReflectionClient } from "../api/lib/reflection-client.js";
import { evpnctl } from "../cli/lib/host.js";
import { pki, pkiPath } from "../lib/pki.js";
import { DIST } from "./lib/evpnd.js";
import { waitFor } from "./lib/wait.js";

const TOP = join(import.meta.dirname, "..", "..");
const MAIN = join(DIST, "src", "main.js");
const TOKEN = canary("dashboard");
const MAC = "52:54:00:00:00:02";

const started: ChildProcess[] = [];
const directory = mkdtempSync(join(tmpdir(), "evpnd-api-"));
let bgp: number;
let plain: string;
let secured: string;
let securedLog = "";
let securedProgram: ChildProcess;

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => void server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}

function start(words: readonly string[], said: (text: string) => void = () => {}): ChildProcess {
  const program = spawn(process.execPath, words, { stdio: ["ignore", "pipe", "pipe"] });
  program.stdout.on("data", (text: Buffer) => said(text.toString()));
  program.stderr.on("data", (text: Buffer) => said(text.toString()));
  started.push(program);
  return program;
}

interface Ran {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

function shell(line: string, cwd = TOP): Promise<Ran> {
  return new Promise((resolve) => {
    execFile("sh", ["-c", line], { cwd, timeout: 20_000 }, (error, out, err) => {
      resolve({ code: error === null ? 0 : Number(error.code ?? 1), out, err });
    });
  });
}

/** Commands of a page's fenced blocks, whole ones, without their comments. */
function commands(page: string, program: string): string[] {
  const text = readFileSync(join(TOP, page), "utf8");
  const blocks = [...text.matchAll(/^```sh\n(.*?)^```/gms)].map(([, block = ""]) => block);
  return blocks
    .flatMap((block) => block.replaceAll("\\\n", " ").split("\n"))
    .map((line) => line.replace(/\s+#.*$/, "").trim())
    .filter((line) => line.startsWith(program));
}

const here = (line: string) => line.replaceAll("127.0.0.1:8179", plain);

beforeAll(async () => {
  const [bgpPort, http, bgpTwo, https] = await Promise.all([
    freePort(),
    freePort(),
    freePort(),
    freePort(),
  ]);
  bgp = bgpPort;
  plain = `127.0.0.1:${http}`;
  secured = `localhost:${https}`;
  start([
    MAIN,
    "--fib",
    "--listen",
    `127.0.0.1:${bgp}`,
    "--clients",
    "127.0.0.0/8",
    "--http",
    plain,
  ]);
  for (const name of ["server", "ops"]) {
    copyFileSync(pkiPath(`${name}.crt`), join(directory, `${name}.crt`));
    writeFileSync(join(directory, `${name}.key`), pki(`${name}.key`), { mode: 0o600 });
  }
  copyFileSync(pkiPath("ca.crt"), join(directory, "ca.crt"));
  writeFileSync(join(directory, "dashboard.token"), `${TOKEN}\n`, { mode: 0o600 });
  const file = join(directory, "evpnd.yaml");
  writeFileSync(
    file,
    `as: 65000
router-id: 127.0.0.1
listen: ["127.0.0.1:${bgpTwo}"]
dynamic-peers: [{prefix: 127.0.0.0/8, client: true}]
http: {listen: "0.0.0.0:${https}", allowed-hosts: [rr1.example.net]}
api:
  tls: {cert-file: server.crt, key-file: server.key, client-ca-file: ca.crt}
  clients:
    - {name: ops, role: operator, certificate: CN=ops}
    - {name: dashboard, role: viewer, token-file: dashboard.token}
`,
  );
  securedProgram = start([MAIN, "--config", file], (text) => (securedLog += text));
  await waitFor(
    "evpnd to answer",
    async () => (await shell(`curl -sf http://${plain}/ready`)).code === 0,
  );
  const demo = join(DIST, "src", "cli", "main.js");
  start([demo, "demo", "--to", `127.0.0.1:${bgp}`]);
  await waitFor("the demo's MACs", async () =>
    (await shell(`curl -s http://${plain}/v1/fib/macs`)).out.includes(MAC),
  );
  await waitFor("evpnd with TLS", () => securedLog.includes("evpnd is up"));
});
afterAll(() => {
  for (const program of started) program.kill("SIGKILL");
  rmSync(directory, { recursive: true, force: true });
});

async function answers(line: string): Promise<void> {
  const { code, out } = await shell(here(line).replace("curl ", "curl -sS "));
  expect(code).toBe(0);
  for (const one of out.trim().split("\n")) {
    const answer = JSON.parse(one) as Record<string, unknown>;
    expect(answer["error"]).toBeUndefined();
    const [rows] = Object.values(answer);
    if (Array.isArray(rows)) expect(rows.length).toBeGreaterThan(0);
  }
}

const requests = commands("docs/http.md", "curl");
const isChange = (line: string): boolean => line.includes("-X POST");

describe("docs/http.md", () => {
  test("has examples", () => expect(requests.length).toBeGreaterThan(3));
  test.each(requests.filter((line) => !isChange(line)))("%s", answers);
});

describe("docs/find-a-mac.md", () => {
  const lines = commands("docs/find-a-mac.md", "npx evpnctl").filter(
    (line) => !/ demo$/.test(line),
  );
  test("has examples", () => expect(lines.length).toBeGreaterThan(5));
  test.each(lines)("%s", async (line) => {
    const { err, out } = await evpnctl(line.replace("npx evpnctl ", ""), {
      url: `http://${plain}`,
    });
    expect(err).toBe("");
    expect(out).not.toBe("");
  });
});

describe("docs/grpc.md", () => {
  let client: ReflectionClient;
  beforeAll(() => {
    client = new ReflectionClient(plain);
  });
  afterAll(() => client.close());

  /** What grpcurl makes of its words, for those that the page uses. */
  const lines = commands("docs/grpc.md", "grpcurl -plaintext");
  test("has examples", () => expect(lines.length).toBeGreaterThan(3));
  test.each(lines)("%s", async (line) => {
    const [, data = "{}", what = ""] =
      /^grpcurl -plaintext (?:-d '(.*)' )?127\.0\.0\.1:8179 (.*)$/.exec(line)!;
    if (what === "list") {
      expect(await client.services()).toContain("evpnd.v1.Fib");
    } else if (what.startsWith("describe ")) {
      expect(await client.files(what.slice(9))).not.toEqual([]);
    } else {
      const [service = "", rpc = ""] = what.split("/");
      const answer = await client.unary(service, rpc, JSON.parse(data) as object);
      expect(JSON.stringify(answer)).toContain(MAC);
    }
  });

  test("its program", async () => {
    const [, program = ""] = /^```js\n(.*?)^```/ms.exec(
      readFileSync(join(TOP, "docs/grpc.md"), "utf8"),
    )!;
    const folder = join(directory, "client");
    mkdirSync(folder);
    symlinkSync(join(TOP, "node_modules"), join(folder, "node_modules"));
    symlinkSync(join(TOP, "proto"), join(folder, "proto"));
    writeFileSync(join(folder, "find.mjs"), here(program));
    const { code, out, err } = await shell(`${process.execPath} find.mjs`, folder);
    expect([code, err]).toEqual([0, ""]);
    expect(out.trim().split("\n")).toEqual(
      expect.arrayContaining([
        expect.stringContaining(`${MAC} `),
        expect.stringContaining("192.0.2.2"),
      ]),
    );
  });
});

describe("the OpenAPI document", () => {
  let check: AnswerCheck;
  beforeAll(async () => {
    const { out } = await shell(`curl -sS http://${plain}/v1/openapi.json`);
    check = new AnswerCheck(JSON.parse(out) as object);
  });

  test("is the one in docs/", () => {
    expect(check.document).toEqual(
      JSON.parse(readFileSync(join(TOP, "docs/openapi.json"), "utf8")),
    );
  });

  const VALUES: Readonly<Record<string, string>> = { address: "127.0.0.2", mac: MAC };
  const looking = OPERATIONS.filter(({ http }) => http.method === "GET");
  test.each(looking.filter(({ kind }) => kind === "unary" || kind === "page"))(
    "$id",
    async ({ id, http, rules = {} }) => {
      const path = http.path.replaceAll(/:(\w+)/g, (_all, name: string) => VALUES[name] ?? name);
      const query = Object.entries(rules)
        .filter(([name, { required }]) => required && !http.path.includes(`:${name}`))
        .map(([name]) => `${name}=${VALUES[name] ?? name}`);
      const url = `http://${plain}${path}?${query.join("&")}`;
      const { out } = await shell(`curl -sS -w '\\n%{http_code}' '${url}'`);
      const at = out.lastIndexOf("\n");
      expect(check.faults(id, Number(out.slice(at + 1)), out.slice(0, at))).toEqual([]);
    },
  );
});

describe("docs/api-security.md", () => {
  const lines = commands("docs/api-security.md", "curl");
  const verbs = commands("docs/api-security.md", "npx evpnctl");
  test("has examples", () => expect([lines.length, verbs.length]).toEqual([2, 2]));
  test.each(lines)("%s", async (line) => {
    const words = line.replaceAll("rr1.example.net:8179", secured).replace("curl ", "curl -sSf ");
    const { code, err } = await shell(words, directory);
    expect([code, err]).toEqual([0, ""]);
  });
  test.each(verbs)("%s", async (line) => {
    const words = line
      .replace("npx evpnctl ", "")
      .replaceAll("rr1.example.net:8179", secured)
      .replaceAll(/\b(\w+\.(?:crt|key|token))\b/g, `${directory}/$1`);
    const { code, err } = await evpnctl(words);
    expect([code, err]).toEqual([0, ""]);
  });

  test("changes are logged with who; tokens are nowhere", async () => {
    const ops = `curl -sS --cacert ca.crt --cert ops.crt --key ops.key -X POST https://${secured}`;
    await shell(`${ops}/v1/peers/127.0.0.9/reset`, directory);
    const viewer = `curl -sS --cacert ca.crt -H 'Authorization: Bearer ${TOKEN}' https://${secured}`;
    const refused = await shell(`${viewer}/v1/reload -X POST`, directory);
    expect(refused.out).toContain("dashboard is a viewer");
    const shown = await shell(`${viewer}/v1/config`, directory);
    expect(shown.out).toContain("token-file");
    await waitFor("the log line", () => securedLog.includes("ResetPeer by ops"));
    expect(securedLog).toMatch(/ResetPeer by ops.*not-found|not-found.*ResetPeer by ops/);
    expect(canaryIn(securedLog + shown.out + refused.out)).toBeUndefined();
  });

  test("gRPC has the same roles", async () => {
    const channel = credentials.createSsl(Buffer.from(pki("ca.crt")));
    const viewer = new ReflectionClient(secured, TOKEN, channel);
    expect(await viewer.services()).toContain("evpnd.v1.Configuration");
    const refused = await viewer.unary("evpnd.v1.Configuration", "Reload").then(
      () => status.OK,
      (error: unknown) => (error as ServiceError).code,
    );
    viewer.close();
    expect(refused).toBe(status.PERMISSION_DENIED);
  });

  test("a reload takes new certificates, and refuses those that do not fit", async () => {
    const serial = () =>
      new Promise<string>((resolve, reject) => {
        const [host = "", port = ""] = secured.split(":");
        const socket = connect({ host, port: Number(port), ca: pki("ca.crt") }, () => {
          resolve(socket.getPeerCertificate().serialNumber);
          socket.destroy();
        });
        socket.on("error", reject);
      });
    const before = await serial();
    writeFileSync(join(directory, "server.crt"), pki("server2.crt"));
    securedProgram.kill("SIGHUP");
    await waitFor("the refusal", () => securedLog.includes("cannot be used together"));
    expect(await serial()).toBe(before);
    writeFileSync(join(directory, "server.key"), pki("server2.key"));
    securedProgram.kill("SIGHUP");
    await waitFor("the new certificate", async () => (await serial()) !== before);
    expect(securedLog).not.toContain("BEGIN");
  });
});

describe("a reload", () => {
  test("takes TLS away and brings it back, at the same port", async () => {
    const port = secured.split(":")[1] ?? "";
    const file = join(directory, "evpnd.yaml");
    const text = readFileSync(file, "utf8");
    const bare = text.replace("0.0.0.0", "127.0.0.1").replace(/^api:[^]*$/m, "");
    writeFileSync(file, bare);
    securedProgram.kill("SIGHUP");
    await waitFor("HTTP without TLS", async () => {
      const { out } = await shell(`curl -s http://127.0.0.1:${port}/v1/peers`);
      return out.includes('"peers"');
    });
    writeFileSync(file, text);
    securedProgram.kill("SIGHUP");
    await waitFor("TLS again", async () => {
      const { out } = await shell(`curl -s --cacert ca.crt https://${secured}/v1/peers`, directory);
      return out.includes("unauthenticated");
    });
    const plainly = await shell(`curl -s http://127.0.0.1:${port}/ready`);
    expect(plainly.code).not.toBe(0);
  });
});

// At the end: the demo does not go on after it.
describe("docs/http.md, changes", () => {
  test.each(requests.filter(isChange))("%s", answers);
});
