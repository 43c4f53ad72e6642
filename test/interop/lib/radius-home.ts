/** FreeRADIUS as a home server with every EAP method of the matrix, inside a lab's namespace. */
import { chmodSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { commandSync } from "./command.js";
import type { Lab } from "./lab.js";
import type { Program } from "./processes.js";
import { waitFor } from "./wait.js";

export interface RadiusHomeOptions {
  readonly lab: Lab;
  readonly label: string;
  readonly name: string;
  /** Authentication; accounting is the next one. */
  readonly port: number;
  readonly secret: string;
  /** Lines of the users file. */
  readonly users: string;
}

export interface RadiusHome {
  readonly program: Program;
  /** Directory with ca.pem, client.pem, client.key. */
  readonly certificates: string;
}

/** Resolves when it answers. */
export async function startRadiusHome(options: RadiusHomeOptions): Promise<RadiusHome> {
  const { lab, label, name } = options;
  const directory = lab.makeDirectory(name);
  // FreeRADIUS starts from no directory that everybody may write to.
  chmodSync(directory, 0o755);
  const certificates = lab.makeDirectory("certificates");
  makeCertificates(certificates);
  for (const file of ["users", "radiusd.conf"]) lab.mayHoldSecrets(join(directory, file));
  writeFileSync(join(directory, "users"), options.users);
  writeFileSync(join(directory, "dictionary"), "$INCLUDE /usr/share/freeradius/dictionary\n");
  writeFileSync(join(directory, "radiusd.conf"), configuration(options, directory, certificates));
  const program = lab.start(label, name, "freeradius", [
    ...["-f", "-l", "stdout", "-d", directory, "-n", "radiusd"],
  ]);
  await waitFor("FreeRADIUS to be ready", () => {
    program.mustRun();
    return program.log().includes("Ready to process requests");
  });
  return { program, certificates };
}

/** A CA, and a certificate of the server's and of a subscriber's; for this run only. */
export function makeCertificates(directory: string): void {
  const openssl = (line: string): void => {
    commandSync(
      "openssl",
      line.split(" ").map((word) => word.replace("DIR", directory)),
    );
  };
  openssl(
    "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -keyout DIR/ca.key -out DIR/ca.pem -subj /CN=lab-CA",
  );
  for (const [name, usage] of [
    ["server", "serverAuth"],
    ["client", "clientAuth"],
  ] as const) {
    // RSA of 3072 bits: certificates that do not fit into one EAP packet.
    openssl(
      `req -newkey rsa:3072 -nodes -keyout DIR/${name}.key -out DIR/${name}.csr -subj /CN=${name}.example`,
    );
    writeFileSync(
      join(directory, `${name}.ext`),
      `extendedKeyUsage=${usage}\nsubjectAltName=DNS:${name}.example\n`,
    );
    openssl(
      `x509 -req -days 2 -CA DIR/ca.pem -CAkey DIR/ca.key -CAcreateserial -in DIR/${name}.csr -out DIR/${name}.pem -extfile DIR/${name}.ext`,
    );
    chmodSync(join(directory, `${name}.key`), 0o644);
  }
}

function configuration(
  { port, secret }: RadiusHomeOptions,
  directory: string,
  certificates: string,
): string {
  const policy = `
  authorize {
    chap
    mschap
    eap {
      ok = return
    }
    files
    pap
  }
  authenticate {
    Auth-Type PAP {
      pap
    }
    Auth-Type CHAP {
      chap
    }
    Auth-Type MS-CHAP {
      mschap
    }
    eap
  }`;
  return `
prefix = /usr
libdir = /usr/lib/freeradius
run_dir = ${directory}
log {
  destination = stdout
}
security {
  max_attributes = 200
  reject_delay = 0
  status_server = yes
}
thread pool {
  start_servers = 1
  max_servers = 2
  min_spare_servers = 1
  max_spare_servers = 2
  max_requests_per_server = 0
}
client here {
  ipaddr = 127.0.0.0/8
  secret = ${secret}
}
modules {
  pap {
  }
  chap {
  }
  mschap {
    use_mppe = yes
    require_encryption = yes
    require_strong = yes
  }
  files {
    usersfile = ${directory}/users
  }
  always ok {
    rcode = ok
  }
  eap {
    default_eap_type = md5
    timer_expire = 60
    md5 {
    }
    mschapv2 {
    }
    tls-config common {
      private_key_file = ${certificates}/server.key
      certificate_file = ${certificates}/server.pem
      ca_file = ${certificates}/ca.pem
      tls_min_version = "1.2"
      tls_max_version = "1.2"
      fragment_size = 1024
    }
    tls {
      tls = common
    }
    ttls {
      tls = common
      default_eap_type = md5
      virtual_server = inner
    }
    peap {
      tls = common
      default_eap_type = mschapv2
      virtual_server = inner
    }
  }
}
server outer {
  listen {
    type = auth
    ipaddr = 127.0.0.1
    port = ${String(port)}
  }
  listen {
    type = acct
    ipaddr = 127.0.0.1
    port = ${String(port + 1)}
  }
${policy}
  post-auth {
    update reply {
      Message-Authenticator := 0x00
    }
    Post-Auth-Type REJECT {
      update reply {
        Message-Authenticator := 0x00
      }
    }
  }
  preacct {
    ok
  }
  accounting {
    ok
  }
}
server inner {
${policy}
}
`;
}
