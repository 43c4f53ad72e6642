/**
 * The log: pino, JSON lines for machines, one readable line each on a terminal.
 *
 * Writing never blocks the BGP thread: output is buffered up to 8 MiB, and what a reader that
 * stopped cannot take is dropped. `close` writes what is left. Fields that may hold a secret are
 * blanked whatever module logs them.
 */
import { pino } from "pino";
import type { Log } from "../util/log.js";
import type { LogSettings } from "./settings.js";
import { formatLine } from "./log-text.js";

export interface LogHandle extends Log {
  /** Level and format from now on. */
  configure(settings: LogSettings): void;
  /** Flushes; the log stays usable. */
  flush(): void;
}

const SECRET_KEYS = ["password", "key", "secret", "md5Key", "token"];
const REDACT = SECRET_KEYS.flatMap((key) => [key, `*.${key}`, `*.*.${key}`, `*[*].${key}`]);

/** Where lines go: standard output in the daemon, a collector in tests. */
export interface LogSink {
  write(line: string): void;
}

export function createLog(settings: LogSettings, sink?: LogSink): LogHandle {
  const outputs = new Map<boolean, Output>();
  const outputFor = ({ format, level }: LogSettings): Output => {
    const text = format === "text" || (format === "auto" && process.stdout.isTTY === true);
    const output = outputs.get(text) ?? open(text, sink);
    outputs.set(text, output);
    output.logger.level = level;
    return output;
  };
  let current = outputFor(settings);
  return {
    debug: (fields, message) => current.logger.debug(fields, message),
    info: (fields, message) => current.logger.info(fields, message),
    warn: (fields, message) => current.logger.warn(fields, message),
    error: (fields, message) => current.logger.error(fields, message),
    configure(next) {
      // What the other one holds back stands before what comes now.
      current.flush();
      current = outputFor(next);
    },
    flush: () => current.flush(),
  };
}

interface Output {
  readonly logger: pino.Logger;
  flush(): void;
}

function open(text: boolean, sink: LogSink | undefined): Output {
  const options = {
    base: null,
    redact: { paths: REDACT, censor: "[hidden]" },
    timestamp: pino.stdTimeFunctions.isoTime,
    formatters: { level: (label: string) => ({ level: label }) },
  };
  const direct = sink ?? (text ? process.stdout : undefined);
  if (direct !== undefined) {
    const target = text ? { write: (line: string) => direct.write(formatLine(line)) } : direct;
    return { logger: pino(options, target), flush() {} };
  }
  const destination = pino.destination({ dest: 1, sync: false, maxLength: 8 << 20 });
  // A reader that went away (EPIPE) must not bring BGP down.
  destination.on("error", () => {});
  return {
    logger: pino(options, destination),
    flush() {
      try {
        destination.flushSync();
      } catch {
        // Not open yet, or its reader is gone: nothing left to do with these lines.
      }
    },
  };
}
