/**
 * FreeRADIUS as home servers of a lab: users, accounting written line by line, EAP where it is wanted, and a
 * proxy that ends EAP itself and asks a provider who knows none.
 */
import { existsSync } from "node:fs";
import { join } from "node:path";
import { loggedLines, startFreeradius, writeFreeradiusFiles } from "./freeradius-process.js";
import type { Lab } from "./lab.js";
import type { Program } from "./processes.js";
import { makeCertificates } from "./radius-home.js";

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
    const { lab, name, users } = options;
    this.options = options;
    this.directory = writeFreeradiusFiles(lab, name, {
      configuration: (directory) => configuration(options, directory),
      users,
      threads: 2,
    });
  }

  /** Resolves when it answers. */
  static async start(options: FreeradiusOptions): Promise<Freeradius> {
    if (options.eap === true && !existsSync(join(certificatesOf(options.lab), "server.pem"))) {
      makeCertificates(certificatesOf(options.lab));
    }
    const server = new Freeradius(options);
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
    const program = `${name}-${this.starts}`;
    this.running = await startFreeradius(lab, label, program, this.directory);
  }

  /** Accounting that it has taken, a request a line: `type session delay user client-address`. */
  records(): string[] {
    return loggedLines(this.directory, "accounting");
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
