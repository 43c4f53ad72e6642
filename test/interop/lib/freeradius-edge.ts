/**
 * FreeRADIUS near the access points: it takes their requests over UDP, sends them on over TLS, and takes the
 * Disconnect and CoA that come back down that connection (reverse CoA) for its own, and writes them down.
 */
import { chmodSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Lab } from "./lab.js";
import type { Program } from "./processes.js";
import { waitFor } from "./wait.js";

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
  const directory = lab.makeDirectory("freeradius-edge");
  // FreeRADIUS starts from no directory that everybody may write to.
  chmodSync(directory, 0o755);
  const asked = join(directory, "asked.log");
  writeFileSync(asked, "");
  writeFileSync(join(directory, "dictionary"), "$INCLUDE /usr/share/freeradius/dictionary\n");
  writeFileSync(
    lab.mayHoldSecrets(join(directory, "radiusd.conf")),
    configuration(options, directory, asked),
  );
  const program = lab.start(label, "freeradius-edge", "freeradius", [
    ...["-f", "-l", "stdout", "-d", directory, "-n", "radiusd"],
  ]);
  await waitFor("FreeRADIUS at the edge to be ready", () => {
    program.mustRun();
    return program.log().includes("Ready to process requests");
  });
  return {
    program,
    requests: () =>
      readFileSync(asked, "utf8")
        .split("\n")
        .filter((line) => line !== ""),
  };
}

function configuration(
  { port, secret, next, certificates, certificate }: FreeradiusEdgeOptions,
  directory: string,
  asked: string,
): string {
  return `
prefix = /usr
libdir = /usr/lib/freeradius
run_dir = ${directory}
log {
  destination = stdout
}
security {
  max_attributes = 200
}
thread pool {
  start_servers = 1
  max_servers = 1
  min_spare_servers = 1
  max_spare_servers = 1
  max_requests_per_server = 0
}
client here {
  ipaddr = 127.0.0.0/8
  secret = ${secret}
}
modules {
  always ok {
    rcode = ok
  }
  linelog asked {
    filename = ${asked}
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
