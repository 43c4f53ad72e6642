/**
 * FreeRADIUS in an access point's place: takes Disconnect and CoA at port 3799 of an address, and writes
 * down what it was asked. `stubborn` is refused, with Error-Cause 504.
 */
import { loggedLines, startFreeradius, writeFreeradiusFiles } from "./freeradius-process.js";
import type { Lab } from "./lab.js";
import type { Program } from "./processes.js";

export async function startCoaPoint(
  lab: Lab,
  label: string,
  address: string,
  secret: string,
): Promise<{ readonly program: Program; requests(): string[] }> {
  const name = `point-${address}`;
  const directory = writeFreeradiusFiles(lab, name, {
    configuration: (its) => configuration(its, address, secret),
  });
  const program = await startFreeradius(lab, label, name, directory);
  return { program, requests: () => loggedLines(directory, "asked.log") };
}

function configuration(directory: string, address: string, secret: string): string {
  return `
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
`;
}
