/** The log: secrets blanked, levels, and lines that people can read and terminals can trust. */
import { describe, expect, test } from "vitest";
import { createLog } from "../../src/telemetry/index.js";
import { formatLine } from "../../src/telemetry/log-text.js";

function collect(level: "debug" | "info" | "warn" = "info") {
  const lines: string[] = [];
  const log = createLog({ level, format: "json" }, { write: (line) => lines.push(line) });
  return { log, lines, entries: () => lines.map((line) => JSON.parse(line) as object) };
}

test("a line has level, time, fields and message", () => {
  const { log, entries } = collect();
  log.info({ peer: "10.0.0.1" }, "session established");
  expect(entries()[0]).toMatchObject({
    level: "info",
    peer: "10.0.0.1",
    msg: "session established",
  });
});

test("secrets are blanked at any depth that settings have", () => {
  const { log, lines } = collect();
  const options = { password: "hunter2", holdTime: 90 };
  log.info({ password: "hunter2" }, "top");
  log.info({ options }, "one down");
  log.info({ settings: { options } }, "two down");
  log.info({ peers: [options] }, "in a list");
  expect(lines.join("")).not.toContain("hunter2");
  expect(lines.join("").split("[hidden]")).toHaveLength(5);
});

test("the level can change while running", () => {
  const { log, lines } = collect("warn");
  log.info({}, "unseen");
  log.configure({ level: "debug", format: "json" });
  log.debug({}, "seen");
  expect(lines).toHaveLength(1);
});

describe("text for people", () => {
  test("time, level, message, fields", () => {
    const line =
      '{"level":"info","time":"2026-01-02T03:04:05.678Z","peer":"10.0.0.1","why":"hold timer","msg":"session down"}\n';
    expect(formatLine(line)).toBe(
      '03:04:05.678 info  session down peer=10.0.0.1 why="hold timer"\n',
    );
  });

  test("no control character of a peer reaches the terminal", () => {
    const line = JSON.stringify({
      level: "warn",
      time: "",
      msg: "\u001b[2Jbad\n",
      text: "\u009b1m",
    });
    // eslint-disable-next-line no-control-regex
    expect(formatLine(line)).not.toMatch(/[\u0000-\u0009\u000b-\u001f\u007f-\u009f]/);
  });

  test("what is not JSON passes", () => {
    expect(formatLine("plain\n")).toBe("plain\n");
  });
});
