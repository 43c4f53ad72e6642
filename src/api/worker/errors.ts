/**
 * Errors across threads: structured clone keeps neither class nor code, and both decide what a client is
 * told. Every class that refuses requests has a row; a refusal of a class without a row keeps code and
 * sentence as a `ControlError`, anything else is a bug and stays one.
 */
import { ControlError } from "../../bgp/control.js";
import { AsmnError, GateError, GatewayError, SecEmError } from "../../asmn/index.js";
import { FibQueryError } from "../../fib/index.js";
import { InjectError } from "../../inject/index.js";
import {
  DriverError,
  GuardError,
  SecretError,
  StagingError,
  VendorError,
  WatchError,
} from "../../ipsec/index.js";
import { RadiusError } from "../../radius/index.js";
import { HttpError } from "../error.js";
import type { PackedError } from "./messages.js";

type Make = (code: never, message: string, status: number) => Error;

const CLASSES: Readonly<Record<string, Make>> = {
  ControlError: (code, message) => new ControlError(code, message),
  FibQueryError: (code, message) => new FibQueryError(code, message),
  InjectError: (code, message) => new InjectError(code, message),
  GuardError: (code, message) => new GuardError(message, code),
  VendorError: (code, message) => new VendorError(code, message),
  AsmnError: (code, message) => new AsmnError(code, message),
  SecEmError: (code, message) => new SecEmError(code, message),
  GateError: (code, message) => new GateError(code, message),
  GatewayError: (code, message) => new GatewayError(code, message),
  RadiusError: (code, message) => new RadiusError(code, message),
  WatchError: (code, message) => new WatchError(code, message),
  DriverError: (code, message) => new DriverError(code, message),
  StagingError: (code, message) => new StagingError(code, message),
  SecretError: (code, message) => new SecretError(code, message),
  HttpError: (code, message, status) => new HttpError(status, code, message),
};

export function packError(error: unknown): PackedError {
  if (!(error instanceof Error)) {
    return { name: "Error", code: undefined, status: 0, message: String(error), stack: undefined };
  }
  const { code, status } = error as { code?: unknown; status?: unknown };
  return {
    name: error.constructor.name,
    code: typeof code === "string" ? code : undefined,
    status: typeof status === "number" ? status : 0,
    message: error.message,
    stack: error.stack,
  };
}

export function unpackError({ name, code, status, message, stack }: PackedError): Error {
  const make = CLASSES[name] ?? (isRefusal(code) ? CLASSES["ControlError"] : undefined);
  const error = make === undefined ? new Error(message) : make(code as never, message, status);
  if (make === undefined && code !== undefined) Object.assign(error, { code });
  if (stack !== undefined) error.stack = stack;
  return error;
}

const REFUSALS: readonly ControlError["code"][] = ["not-found", "invalid", "busy", "unsupported"];

function isRefusal(code: string | undefined): boolean {
  return (REFUSALS as readonly (string | undefined)[]).includes(code);
}
