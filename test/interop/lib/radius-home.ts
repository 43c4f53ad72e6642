/** FreeRADIUS as a home server with every EAP method of the matrix, inside a lab's namespace. */
import { chmodSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { commandSync } from "./command.js";
import { startFreeradius, writeFreeradiusFiles } from "./freeradius-process.js";
import type { Lab } from "./lab.js";
import type { Program } from "./processes.js";

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
  const certificates = lab.makeDirectory("certificates");
  makeCertificates(certificates);
  const directory = writeFreeradiusFiles(lab, name, {
    configuration: (its) => configuration(options, its, certificates),
    users: options.users,
    threads: 2,
  });
  return { program: await startFreeradius(lab, label, name, directory), certificates };
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
