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
  setLevel(level: LogSettings["level"]): void;
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
  const text =
    settings.format === "text" || (settings.format === "auto" && process.stdout.isTTY === true);
  const options = {
    level: settings.level,
    base: null,
    redact: { paths: REDACT, censor: "[hidden]" },
    timestamp: pino.stdTimeFunctions.isoTime,
    formatters: { level: (label: string) => ({ level: label }) },
  };
  const direct = sink ?? (text ? process.stdout : undefined);
  if (direct !== undefined) {
    const target = text ? { write: (line: string) => direct.write(formatLine(line)) } : direct;
    return handle(pino(options, target), () => {});
  }
  const destination = pino.destination({ dest: 1, sync: false, maxLength: 8 << 20 });
  // A reader that went away (EPIPE) must not bring BGP down.
  destination.on("error", () => {});
  return handle(pino(options, destination), () => {
    try {
      destination.flushSync();
    } catch {
      // Not open yet, or its reader is gone: nothing left to do with these lines.
    }
  });
}

function handle(logger: pino.Logger, flush: () => void): LogHandle {
  return {
    debug: (fields, message) => logger.debug(fields, message),
    info: (fields, message) => logger.info(fields, message),
    warn: (fields, message) => logger.warn(fields, message),
    error: (fields, message) => logger.error(fields, message),
    setLevel(level) {
      logger.level = level;
    },
    flush,
  };
}
