/**
 * FreeRADIUS as home servers of a lab: users, accounting written line by line, EAP where it is wanted, and a
 * proxy that ends EAP itself and asks a provider who knows none.
 */
import { chmodSync, existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Lab } from "./lab.js";
import type { Program } from "./processes.js";
import { makeCertificates } from "./radius-home.js";
import { waitFor } from "./wait.js";

export interface FreeradiusOptions {
  readonly lab: Lab;
  readonly label: string;
  readonly name: string;
  /** Authentication; accounting is the next one. */
  readonly port: number;
  readonly secret: string;
  /** Lines of the users file. Who is accepted as `unsigned…` has no Message-Authenticator in the answer. */
  readonly users: string;
  /** EAP-TTLS and EAP-MD5. */
  readonly eap?: boolean;
  /** Inner requests go to this server, which knows no EAP; same secret. */
  readonly providerPort?: number;
  /** Users whose names begin with `slow` and a number are answered so many seconds late, in each round. */
  readonly slow?: boolean;
}

export class Freeradius {
  private readonly options: FreeradiusOptions;
  private readonly directory: string;
  private starts = 0;
  private running: Program | undefined;

  private constructor(options: FreeradiusOptions) {
    this.options = options;
    this.directory = options.lab.makeDirectory(options.name);
    // It refuses a directory that everybody may write to.
    chmodSync(this.directory, 0o755);
  }

  /** Resolves when it answers. */
  static async start(options: FreeradiusOptions): Promise<Freeradius> {
    const server = new Freeradius(options);
    const { directory } = server;
    if (options.eap === true && !existsSync(join(certificatesOf(options.lab), "server.pem"))) {
      makeCertificates(certificatesOf(options.lab));
    }
    for (const file of ["users", "radiusd.conf"]) {
      options.lab.mayHoldSecrets(join(directory, file));
    }
    writeFileSync(join(directory, "users"), options.users);
    writeFileSync(join(directory, "dictionary"), "$INCLUDE /usr/share/freeradius/dictionary\n");
    const text = configuration(options, directory);
    writeFileSync(join(directory, "radiusd.conf"), text);
    await server.begin();
    return server;
  }

  get program(): Program {
    if (this.running === undefined) throw new Error(`${this.options.name} was never started`);
    return this.running;
  }

  /** Once more, after its end. */
  async begin(): Promise<void> {
    const { lab, label, name } = this.options;
    this.starts++;
    const words = ["-f", "-l", "stdout", "-d", this.directory, "-n", "radiusd"];
    const program = lab.start(label, `${name}-${this.starts}`, "freeradius", words);
    this.running = program;
    await waitFor(`${name} to be ready`, () => {
      program.mustRun();
      return program.log().includes("Ready to process requests");
    });
  }

  /** Accounting that it has taken, a request a line: `type session delay user client-address`. */
  records(): string[] {
    const file = join(this.directory, "accounting");
    if (!existsSync(file)) return [];
    return readFileSync(file, "utf8")
      .split("\n")
      .filter((line) => line !== "");
  }
}

/** Directory with ca.pem. */
export function certificatesOf(lab: Lab): string {
  return lab.makeDirectory("certificates");
}

/** Two spaces stand for a new line here: one item a line is FreeRADIUS's rule. */
function configuration(options: FreeradiusOptions, directory: string): string {
  const { lab, port, secret, eap = false, providerPort, slow = false } = options;
  const certificates = certificatesOf(lab);
  const sleep = slow
    ? 'if (&User-Name =~ /^slow([0-9.]+)/) { update request { &Tmp-String-9 := "%{exec:/bin/sleep %{1}}" } }  '
    : "";
  const ways = `${eap ? "eap { ok = return }  " : ""}files  pap`;
  const proxied =
    providerPort === undefined ? ways : "update control { Proxy-To-Realm := provider }";
  const text = `
prefix = /usr
libdir = /usr/lib/freeradius
run_dir = ${directory}
max_requests = 65536
log { destination = stdout }
security { max_attributes = 200  reject_delay = 0  status_server = yes }
thread pool { start_servers = 1  max_servers = 2  min_spare_servers = 1  max_spare_servers = 2  max_requests_per_server = 0 }
client here { ipaddr = 127.0.0.0/8  secret = ${secret} }
${
  providerPort === undefined
    ? ""
    : `proxy server { default_fallback = no }
home_server provider { type = auth  ipaddr = 127.0.0.1  port = ${providerPort}  secret = ${secret} }
home_server_pool provider { type = fail-over  home_server = provider }
realm provider { auth_pool = provider  nostrip }`
}
modules {
  pap { }
  files { usersfile = ${directory}/users }
  always ok { rcode = ok }
  exec { wait = yes  input_pairs = request  shell_escape = yes  timeout = 10 }
  linelog accounted {
    filename = ${directory}/accounting
    format = "%{Acct-Status-Type} %{Acct-Session-Id} %{%{Acct-Delay-Time}:-0} %{User-Name} %{%{ERX-Radius-Client-Address}:-none}"
  }
  ${eap ? eapModule(certificates) : ""}
}
server outer {
  listen { type = auth  ipaddr = 127.0.0.1  port = ${port} }
  listen { type = acct  ipaddr = 127.0.0.1  port = ${port + 1} }
  authorize { ${sleep}${ways} }
  authenticate { Auth-Type PAP { pap }  ${eap ? "eap" : ""} }
  post-auth { if (&User-Name !~ /^unsigned/) { update reply { Message-Authenticator := 0x00 } }  Post-Auth-Type REJECT { update reply { Message-Authenticator := 0x00 } } }
  ${eap ? "post-proxy { eap }" : ""}
  preacct { ok }
  accounting { accounted  ok }
}
${eap ? `server inner {  authorize { ${proxied} }  authenticate { Auth-Type PAP { pap }  eap }\n}` : ""}
`;
  return text.replace(/ {2,}/g, "\n").replace(/\{ /g, "{\n").replace(/ \}/g, "\n}");
}

function eapModule(certificates: string): string {
  return `eap {
    default_eap_type = md5
    timer_expire = 60
    md5 { }
    tls-config common {
      private_key_file = ${certificates}/server.key
      certificate_file = ${certificates}/server.pem
      ca_file = ${certificates}/ca.pem
      tls_min_version = "1.2"
      tls_max_version = "1.2"
    }
    ttls { tls = common  default_eap_type = md5  virtual_server = inner }
  }`;
}
