/**
 * FreeRADIUS near the access points: it takes their requests over UDP, sends them on over TLS, and takes the
 * Disconnect and CoA that come back down that connection (reverse CoA) for its own, and writes them down.
 */
import { loggedLines, startFreeradius, writeFreeradiusFiles } from "./freeradius-process.js";
import type { Lab } from "./lab.js";
import type { Program } from "./processes.js";

export interface FreeradiusEdgeOptions {
  readonly lab: Lab;
  readonly label: string;
  /** UDP port for Access-Requests, and their secret. */
  readonly port: number;
  readonly secret: string;
  /** The next hop's TLS port. */
  readonly next: number;
  /** Directory with ca.pem, and NAME.pem and NAME.key of `certificate`. */
  readonly certificates: string;
  readonly certificate: string;
}

/** Resolves when it takes requests. */
export async function startFreeradiusEdge(
  options: FreeradiusEdgeOptions,
): Promise<{ readonly program: Program; requests(): string[] }> {
  const { lab, label } = options;
  const name = "freeradius-edge";
  const directory = writeFreeradiusFiles(lab, name, {
    configuration: (its) => configuration(options, its),
  });
  const program = await startFreeradius(lab, label, name, directory);
  return { program, requests: () => loggedLines(directory, "asked.log") };
}

function configuration(
  { port, secret, next, certificates, certificate }: FreeradiusEdgeOptions,
  directory: string,
): string {
  return `
client here {
  ipaddr = 127.0.0.0/8
  secret = ${secret}
}
modules {
  always ok {
    rcode = ok
  }
  linelog asked {
    filename = ${directory}/asked.log
    format = "%{Packet-Type} %{User-Name} vlan=%{Tunnel-Private-Group-Id:0}"
  }
}
proxy server {
  default_fallback = no
}
home_server next {
  type = "auth+coa"
  ipaddr = 127.0.0.1
  port = ${next}
  proto = tcp
  secret = radsec
  status_check = none
  tls {
    ca_file = ${certificates}/ca.pem
    certificate_file = ${certificates}/${certificate}.pem
    private_key_file = ${certificates}/${certificate}.key
    tls_min_version = "1.2"
  }
  recv_coa {
    virtual_server = point
  }
}
home_server_pool next {
  type = fail-over
  home_server = next
}
realm next {
  auth_pool = next
  nostrip
}
server edge {
  listen {
    type = auth
    ipaddr = 127.0.0.1
    port = ${port}
  }
  authorize {
    update control {
      Proxy-To-Realm := next
    }
  }
}
server point {
  recv-coa {
    asked
    ok
  }
  send-coa {
    ok
  }
}
`;
}
