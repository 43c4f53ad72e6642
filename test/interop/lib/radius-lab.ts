/** evpnd with its RADIUS relay in a lab, asked by real clients and read over its API. */
import { canary } from "../../lib/canary.js";
import { Evpnd } from "./evpnd.js";
import type { Lab } from "./lab.js";
import { certificatesOf } from "./freeradius.js";

export const CLIENT_SECRET = canary("from-the-access-point");
export const HOME_SECRET = canary("towards-the-home-server");
export const AUTH_PORT = 1812;
export const ACCT_PORT = 1813;
export const HTTP_PORT = 8179;

const LISTENERS = `
      authentication: {listen: "127.0.0.1:${AUTH_PORT}", clients: [{prefix: 127.0.0.0/8, secret-files: [client]}]}
      accounting: {listen: "127.0.0.1:${ACCT_PORT}", clients: [{prefix: 127.0.0.0/8, secret-files: [client]}]}`;

/** A home server of a configuration, named `name`. */
export function homeEntry(name: string, port: number, secretFiles = "home"): string {
  const ports = `authentication-port: ${port}, accounting-port: ${port + 1}`;
  return `\n        - {name: ${name}, address: 127.0.0.1, ${ports}, secret-files: [${secretFiles}]}`;
}

/** @param tenant lines of the tenant, indented by six */
export function relayConfig(tenant: string, radius = "", top = ""): string {
  return `
as: 65000
router-id: 10.99.0.1
listen: ["127.0.0.1:179"]
dynamic-peers: [{prefix: 127.0.0.0/8}]
${top}
radius:
${radius}
  tenants:
    - name: default${LISTENERS}
${tenant}
`;
}

export interface HomeServerView {
  readonly kind: string;
  readonly name: string;
  readonly state: string;
  readonly pending: number;
  readonly counters: Readonly<Record<string, number>>;
}

export interface SpoolRow {
  readonly waiting: number;
  readonly failing: boolean;
  readonly problem?: string;
}

export interface SessionRow {
  readonly mac: string;
  readonly userName: string;
  readonly address?: string;
  readonly acctSessionId?: string;
  readonly confirmed?: boolean;
}

/** Asks, and answers for, a relay in the namespace `label`. */
export class RadiusLab {
  readonly lab: Lab;
  readonly label: string;

  constructor(lab: Lab, label: string) {
    this.lab = lab;
    this.label = label;
    lab.secretFile("client", CLIENT_SECRET);
    lab.secretFile("home", HOME_SECRET);
    lab.secretFile("other", canary("nobody-knows"));
  }

  start(config: string, name = "evpnd"): Promise<Evpnd> {
    const { lab, label } = this;
    return Evpnd.start({ lab, label, name, address: "127.0.0.1", http: HTTP_PORT, config });
  }

  /** What radclient says, whatever the outcome. @param options for example `-r 1 -t 5` */
  radclient(
    attributes: string,
    kind: "auth" | "acct" = "auth",
    options = "-r 1 -t 10",
  ): Promise<string> {
    const file = this.lab.writeFile("request", `${attributes}\n`);
    const port = kind === "auth" ? AUTH_PORT : ACCT_PORT;
    const line = `radclient -x ${options} -f ${file} 127.0.0.1:${port} ${kind} ${CLIENT_SECRET}`;
    return this.shell(line);
  }

  login(user: string, more = "", options?: string): Promise<string> {
    const words = `User-Name = "${user}", User-Password = hello, Message-Authenticator = 0x00`;
    return this.radclient(`${words}, ${station(1)}${more}`, "auth", options);
  }

  /** EAP-TTLS with PAP inside, or EAP-MD5. */
  eapol(method: "TTLS" | "MD5", user: string, mac = "02:aa:bb:cc:dd:01"): Promise<string> {
    const inner =
      method === "MD5" ? "" : `phase2="auth=PAP"\nca_cert="${certificatesOf(this.lab)}/ca.pem"\n`;
    const who = `identity="${user}"\npassword="hello"\n${inner}`;
    const text = `network={\nssid="corp"\nkey_mgmt=IEEE8021X\neapol_flags=0\neap=${method}\n${who}}\n`;
    const file = this.lab.writeFile(`eap-${method}.conf`, text);
    const station = `-M ${mac} -N 30:s:02-00-00-00-00-01:corp`;
    const keys = method === "MD5" ? "-n" : "";
    const line = `eapol_test -c ${file} -p ${AUTH_PORT} -s ${CLIENT_SECRET} -r0 -t20 ${station} ${keys}`;
    return this.shell(line);
  }

  async homeServers(evpnd: Evpnd): Promise<HomeServerView[]> {
    const answer = await evpnd.get<{ homeServers: HomeServerView[] }>("/v1/radius/home-servers");
    return answer.homeServers;
  }

  async spool(evpnd: Evpnd): Promise<SpoolRow> {
    const { spools } = await evpnd.get<{ spools: SpoolRow[] }>("/v1/radius/home-servers");
    return spools[0] ?? { waiting: 0, failing: false };
  }

  async sessions(evpnd: Evpnd): Promise<SessionRow[]> {
    return (await evpnd.get<{ sessions: SessionRow[] }>("/v1/radius/sessions")).sessions;
  }

  /** Standard output and error of a line of shell; its exit code does not matter. */
  shell(line: string): Promise<string> {
    return this.lab.run(this.label, "sh", ["-c", `${line} 2>&1 || true`]);
  }
}

/** What the access point says of itself and of subscriber n. */
export function station(n: number): string {
  const mac = `02-AA-BB-CC-DD-${n.toString(16).padStart(2, "0").toUpperCase()}`;
  return `Called-Station-Id = "02-00-00-00-00-01:corp", Calling-Station-Id = "${mac}"`;
}
