/**
 * evpnd as Sec-EM, gate and reflector in one, as an operator has it: its file made of what a test wants, asked
 * through its HTTP door.
 */
import { writeFileSync } from "node:fs";
import { Evpnd } from "../../lib/evpnd.js";
import type { Lab } from "../../lib/lab.js";
import { waitFor } from "../../lib/wait.js";
import { MANAGER, MANAGER_ADDRESS } from "./vnf-net.js";

export const AS = 65000;
export const TENANT = "blue";
export const AGENT_PORT = 7201;
export const PROXY_PORT = 7202;
export const HTTP = 8080;

export interface ManagedVnf {
  readonly name: string;
  readonly address: string;
  readonly binding: "address" | "tcp-md5" | "tls-proxy";
  readonly maxInstances?: number;
  /** In the place of the manager's. */
  readonly effect?: "refuse" | "hold" | "mark";
  /** 2 s without it. */
  readonly connectRetrySeconds?: number;
  /** Its address is a range of dynamic peers. */
  readonly dynamic?: boolean;
}

export interface ManagerOptions {
  readonly lab: Lab;
  readonly vnfs: readonly ManagedVnf[];
  /** Lines of the tenant's catalog, as YAML flow maps. */
  readonly catalog?: readonly string[];
  /** Effect on peers that are not trusted. */
  readonly effect?: "refuse" | "hold" | "mark";
  readonly renewalSeconds?: number;
  /** Further keys of the file. */
  readonly lines?: readonly string[];
}

export interface InstanceState {
  readonly instance: string;
  readonly id: string;
  readonly state: string;
  readonly reason: string;
  readonly chain: number;
  readonly connected: boolean;
  /** What vouches for its measurement. */
  readonly root: string;
}

export class Manager {
  evpnd: Evpnd;
  rootKey = "";
  /** Of the gate, which the TLS proxies of agents pin. */
  gateKey = "";
  private readonly options: ManagerOptions;
  private readonly directory: string;
  private starts = 0;

  private constructor(options: ManagerOptions, directory: string, evpnd: Evpnd) {
    this.options = options;
    this.directory = directory;
    this.evpnd = evpnd;
  }

  static async start(options: ManagerOptions): Promise<Manager> {
    const directory = options.lab.makeDirectory("manager");
    const evpnd = await Manager.run(options, directory, 0);
    const manager = new Manager(options, directory, evpnd);
    const keys = await waitFor("the keys", async () => {
      const answer = await evpnd.get<{ keys: { use: string; publicKey: string; state: string }[] }>(
        "/v1/asmn/keys",
      );
      return answer.keys.some(({ use }) => use === "root") ? answer.keys : undefined;
    });
    const keyOf = (use: string): string => keys.find((key) => key.use === use)?.publicKey ?? "";
    manager.rootKey = keyOf("root");
    manager.gateKey = keyOf("gate");
    return manager;
  }

  /** Reads another file in the place of the first, without a restart. */
  async reload(change: Partial<ManagerOptions>): Promise<void> {
    const { options, directory } = this;
    writeFileSync(`${directory}/evpnd.yaml`, fileOf({ ...options, ...change }, directory));
    await this.post("/v1/reload", {});
  }

  /** After a kill: the same files, the same addresses. */
  async restart(): Promise<void> {
    this.starts += 1;
    this.evpnd = await Manager.run(this.options, this.directory, this.starts);
  }

  async post<T>(path: string, body: object): Promise<T> {
    const answer = await this.evpnd.request("POST", path, body);
    if (answer.status !== 200) throw new Error(`${path}: ${String(answer.status)} ${answer.body}`);
    return JSON.parse(answer.body) as T;
  }

  /** The image is good for the VNF from now on. */
  async register(vnf: string, digest: string): Promise<void> {
    await this.post("/v1/asmn/images", { tenant: TENANT, vnf, digest, version: "1" });
  }

  async token(
    vnf: string,
    instance: string,
    image: string,
    publicKey: string,
    replace = false,
  ): Promise<string> {
    const body = { tenant: TENANT, vnf, instance, image, publicKey, replace };
    return (await this.post<{ token: string }>("/v1/asmn/tokens", body)).token;
  }

  async instance(name: string): Promise<InstanceState | undefined> {
    const path = `/v1/asmn/instances?tenant=${TENANT}`;
    const rows = await this.evpnd.rows<InstanceState>(path, "instances", 1000);
    return rows.find(({ instance }) => instance === name);
  }

  async waitInstance(
    name: string,
    what: string,
    is: (state: InstanceState) => boolean,
  ): Promise<InstanceState> {
    return waitFor(`the Sec-EM to have ${name} ${what}`, async () => {
      const found = await this.instance(name);
      if (found !== undefined && is(found)) return found;
      throw new Error(found === undefined ? "none" : `${found.state} (${found.reason})`);
    });
  }

  private static run(options: ManagerOptions, directory: string, run: number): Promise<Evpnd> {
    const file = `${directory}/evpnd.yaml`;
    writeFileSync(file, fileOf(options, directory));
    return Evpnd.start({
      lab: options.lab,
      label: MANAGER,
      name: run === 0 ? "evpnd" : `evpnd-${String(run)}`,
      address: MANAGER_ADDRESS,
      http: HTTP,
      config: "",
      extra: ["--config", file],
    });
  }
}

function fileOf(options: ManagerOptions, directory: string): string {
  const { vnfs, catalog = [], effect = "refuse", renewalSeconds = 60, lines = [] } = options;
  return [
    `as: ${String(AS)}`,
    `router-id: ${MANAGER_ADDRESS}`,
    `listen: ["${MANAGER_ADDRESS}:179"]`,
    `http: {listen: "127.0.0.1:${String(HTTP)}"}`,
    "peers:",
    ...vnfs.filter(({ dynamic }) => dynamic !== true).flatMap((one) => peerLines(one, effect)),
    ...(vnfs.some(({ dynamic }) => dynamic === true) ? ["dynamic-peers:"] : []),
    ...vnfs.filter(({ dynamic }) => dynamic === true).flatMap((one) => peerLines(one, effect)),
    "asmn:",
    "  sec-em:",
    `    listen: ["${MANAGER_ADDRESS}:${String(AGENT_PORT)}"]`,
    `    state-directory: ${directory}/sec-em`,
    `    renewal-seconds: ${String(renewalSeconds)}`,
    "    tenants:",
    `      - name: ${TENANT}`,
    "        vnfs:",
    ...vnfs.map(
      ({ name, address, binding, maxInstances = 1 }) =>
        `          - {name: ${name}, addresses: [${address}], as: ${String(AS)}, ` +
        `binding: ${binding}, max-instances: ${String(maxInstances)}}`,
    ),
    ...(catalog.length === 0
      ? []
      : ["        catalog:", ...catalog.map((line) => `          - ${line}`)]),
    "  gate:",
    `    state-directory: ${directory}/gate`,
    `    proxy: "${MANAGER_ADDRESS}:${String(PROXY_PORT)}"`,
    ...lines,
    "",
  ].join("\n");
}

function peerLines(
  { name, address, binding, effect: own, connectRetrySeconds = 2, dynamic = false }: ManagedVnf,
  effect: string,
): string[] {
  return [
    dynamic ? `  - prefix: ${address}/32` : `  - address: ${address}`,
    `    peer-as: ${String(AS)}`,
    `    connect-retry: ${String(connectRetrySeconds)}`,
    `    passive: ${String(binding === "tls-proxy")}`,
    `    trust: {require: true, tenant: ${TENANT}, vnf: ${name}, effect: ${own ?? effect}}`,
  ];
}
