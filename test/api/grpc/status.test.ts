/** Refusals as gRPC statuses: what the library can put into a header, whatever the sentence quotes. */
import { status } from "@grpc/grpc-js";
import { expect, test } from "vitest";
import { grpcRefusal } from "../../../src/api/grpc/status.js";
import { HttpError } from "../../../src/api/error.js";
import { silentLog } from "../../../src/util/log.js";

const refused = (message: string) =>
  grpcRefusal(new HttpError(422, "invalid", message), "Test", silentLog);

test.each([
  ["cut between characters", "x".repeat(2047) + "😀".repeat(10)],
  ["cut within a character", "x".repeat(2048) + "😀".repeat(10)],
  ["half a character, whole sentence", "no \ud83d such"],
])("a sentence %s can be encoded", (_name, message) => {
  const { code, details } = refused(message);
  expect(code).toBe(status.FAILED_PRECONDITION);
  expect(() => encodeURI(details ?? "")).not.toThrow();
});

test("whole characters pass as they are", () => {
  expect(refused("no peer 😀").details).toBe("no peer 😀");
});
