/**
 * FreeRADIUS in an access point's place: takes Disconnect and CoA at port 3799 of an address, and writes
 * down what it was asked. `stubborn` is refused, with Error-Cause 504.
 */
import { chmodSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Lab } from "./lab.js";
import type { Program } from "./processes.js";
import { waitFor } from "./wait.js";

export async function startCoaPoint(
  lab: Lab,
  label: string,
  address: string,
  secret: string,
): Promise<{ readonly program: Program; requests(): string[] }> {
  const name = `point-${address}`;
  const directory = lab.makeDirectory(name);
  // FreeRADIUS starts from no directory that everybody may write to.
  chmodSync(directory, 0o755);
  writeFileSync(join(directory, "dictionary"), "$INCLUDE /usr/share/freeradius/dictionary\n");
  writeFileSync(
    lab.mayHoldSecrets(join(directory, "radiusd.conf")),
    `
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
client relay {
  ipaddr = 127.0.0.0/8
  secret = ${secret}
}
modules {
  always ok {
    rcode = ok
  }
  always reject {
    rcode = reject
  }
  linelog asked {
    filename = ${directory}/asked.log
    format = "%{Packet-Type} %{User-Name} %{Calling-Station-Id} %{Acct-Session-Id} vlan=%{Tunnel-Private-Group-Id:0} stamp=%{%{Event-Timestamp}:-none}"
  }
}
server point {
  listen {
    type = coa
    ipaddr = ${address}
    port = 3799
  }
  recv-coa {
    asked
    if (&User-Name == "stubborn") {
      update reply {
        Error-Cause := 504
      }
      reject
    }
    ok
  }
  send-coa {
    ok
  }
}
`,
  );
  const program = lab.start(label, name, "freeradius", [
    ...["-f", "-l", "stdout", "-d", directory, "-n", "radiusd"],
  ]);
  await waitFor(`${name} to be ready`, () => {
    program.mustRun();
    return program.log().includes("Ready to process requests");
  });
  const log = join(directory, "asked.log");
  return {
    program,
    requests: () => {
      try {
        return lab
          .runSync(label, "cat", [log])
          .split("\n")
          .filter((line) => line !== "");
      } catch {
        return [];
      }
    },
  };
}
