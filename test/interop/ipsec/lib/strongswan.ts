/**
 * strongSwan's IKE daemon in a namespace of its own, with ESP in userland (kernel-libipsec, over a TUN device
 * `ipsec0`), since kernels of test machines often have none. Several instances run beside each other: each
 * has its own configuration file and control socket. Nothing is configured in files: what it knows it
 * is told over the socket.
 */
import { join } from "node:path";
import { Charon } from "../../../../src/ipsec/live/index.js";
import { systemClock } from "../../../../src/util/clock.js";
import type { Lab } from "../../lib/lab.js";
import type { Program } from "../../lib/processes.js";
import { waitFor } from "../../lib/wait.js";

const CHARON = "/usr/sbin/charon-systemd";

export interface StrongSwanOptions {
  readonly lab: Lab;
  /** Namespace label. */
  readonly label: string;
  /** More lines of the daemon's section in its configuration. */
  readonly settings?: readonly string[];
}

export class StrongSwan {
  readonly label: string;
  readonly socket: string;
  private readonly lab: Lab;
  private readonly config: string;
  readonly logFile: string;
  private runs = 0;
  private running: Program | undefined;

  private constructor({ lab, label, settings = [] }: StrongSwanOptions) {
    this.lab = lab;
    this.label = label;
    const directory = lab.makeDirectory(`swan-${label}`);
    this.socket = join(directory, "vici");
    this.logFile = join(directory, "charon.log");
    this.config = lab.writeFile(`strongswan-${label}.conf`, this.settingsText(settings));
  }

  /** Runs when it answers at its socket. */
  static async start(options: StrongSwanOptions): Promise<StrongSwan> {
    const swan = new StrongSwan(options);
    await swan.start();
    return swan;
  }

  async start(): Promise<void> {
    this.runs++;
    const name = `charon-${this.label}-${String(this.runs)}`;
    const program = this.lab.start(this.label, name, CHARON, [], { STRONGSWAN_CONF: this.config });
    this.running = program;
    await waitFor(`${name} to answer`, async () => {
      program.mustRun();
      (await this.connect()).close();
      return true;
    });
  }

  get program(): Program {
    if (this.running === undefined) throw new Error(`charon of ${this.label} was not started`);
    return this.running;
  }

  /** SIGKILL. */
  async kill(): Promise<void> {
    await this.program.stop("SIGKILL");
  }

  /** A connection of the test's own. */
  connect(): Promise<Charon> {
    return Charon.open({
      path: this.socket,
      clock: systemClock,
      onEvent: () => {},
      onClose: () => {},
    });
  }

  /** Does something over a connection of its own. */
  async ask<T>(question: (charon: Charon) => Promise<T>): Promise<T> {
    const charon = await this.connect();
    try {
      return await question(charon);
    } finally {
      charon.close();
    }
  }

  private settingsText(settings: readonly string[]): string {
    return `
charon-systemd {
  load_modular = yes
  make_before_break = yes
  # A peer that is away is noticed within seconds.
  retransmit_timeout = 1.0
  retransmit_base = 1.3
  retransmit_tries = 3
  ${settings.join("\n  ")}
  plugins {
    include /etc/strongswan.d/charon/*.conf
    vici {
      load = yes
      socket = unix://${this.socket}
    }
    kernel-libipsec {
      load = yes
    }
    bypass-lan {
      load = no
    }
    lookip {
      load = no
    }
    resolve {
      load = no
    }
  }
  filelog {
    lab {
      path = ${this.logFile}
      default = 1
      flush_line = yes
      time_format = %H:%M:%S
    }
  }
  journal {
    default = -1
  }
}
`;
  }
}
