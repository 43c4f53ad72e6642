/**
 * Tells when somebody takes something out of the gateway's table: `nft monitor destroy` says it at once. It is a
 * hint only; what is really there is looked at then, and now and then without a hint.
 */
import { programListener } from "../../util/run-program.js";

export interface Monitor {
  close(): void;
}

/** @param hint called once for many events; may be called for the gateway's own changes */
export type StartMonitor = (table: string, hint: () => void) => Monitor;

const AGAIN_MS = 5000;

export const startNftMonitor: StartMonitor = nftMonitor(["nft"]);

/** @param command how nft is run */
export function nftMonitor(command: readonly string[]): StartMonitor {
  const listen = programListener([...command, "monitor", "destroy"]);
  return (table, hint) => {
    let end = (): void => {};
    let timer: NodeJS.Timeout | undefined;
    const start = (): void => {
      end = listen(
        (text) => {
          if (text.includes(` inet ${table}`)) hint();
        },
        () => {
          timer = setTimeout(start, AGAIN_MS);
          timer.unref();
        },
      );
    };
    start();
    return {
      close() {
        clearTimeout(timer);
        end();
      },
    };
  };
}
