/** What a refused request gets: a status, a code for programs and a sentence that says what to do. */
import { ControlError } from "../bgp/control.js";
import {
  AsmnError,
  GateError,
  GatewayError,
  SecEmError,
  type AsmnErrorCode,
  type GateErrorCode,
  type GatewayErrorCode,
  type SecEmErrorCode,
} from "../asmn/index.js";
import { FibQueryError } from "../fib/index.js";
import { InjectError } from "../inject/index.js";
import {
  DriverError,
  GuardError,
  SecretError,
  StagingError,
  VendorError,
  WatchError,
} from "../ipsec/index.js";
import { RadiusError } from "../radius/index.js";
import { InputFault } from "./service/input.js";

export interface ErrorBody {
  readonly error: { readonly code: string; readonly message: string };
}

export class HttpError extends Error {
  readonly status: number;
  readonly code: string;
  constructor(status: number, code: string, message: string) {
    super(message);
    this.status = status;
    this.code = code;
  }
}

const CONTROL_STATUS: Readonly<Record<ControlError["code"] | FibQueryError["code"], number>> = {
  off: 409,
  "not-found": 404,
  invalid: 400,
  busy: 503,
  rebuilt: 409,
  unsupported: 501,
};

type IpsecCode = (WatchError | DriverError | StagingError | SecretError)["code"];

const IPSEC_STATUS: Readonly<Record<IpsecCode, number>> = {
  invalid: 400,
  "not-found": 404,
  nothing: 404,
  refused: 409,
  conflict: 409,
  "in-use": 409,
  busy: 503,
  unavailable: 503,
};

type TrustCode = AsmnErrorCode | GateErrorCode | GatewayErrorCode | SecEmErrorCode;

const TRUST_STATUS: Readonly<Record<TrustCode, number>> = {
  off: 409,
  "not-found": 404,
  invalid: 400,
  conflict: 409,
  refused: 409,
  busy: 503,
  storage: 503,
  unsupported: 501,
};

/** undefined: not a refusal but a bug of ours. */
export function refusal(error: unknown): { status: number; body: ErrorBody } | undefined {
  if (error instanceof HttpError) return answer(error.status, error.code, error.message);
  if (error instanceof ControlError) {
    return answer(CONTROL_STATUS[error.code], error.code, error.message);
  }
  if (
    error instanceof FibQueryError ||
    error instanceof InjectError ||
    error instanceof GuardError ||
    error instanceof VendorError ||
    error instanceof RadiusError
  ) {
    return answer(CONTROL_STATUS[error.code], error.code, error.message);
  }
  if (
    error instanceof WatchError ||
    error instanceof DriverError ||
    error instanceof StagingError ||
    error instanceof SecretError
  ) {
    return answer(IPSEC_STATUS[error.code], error.code, error.message);
  }
  if (
    error instanceof AsmnError ||
    error instanceof SecEmError ||
    error instanceof GateError ||
    error instanceof GatewayError
  ) {
    return answer(TRUST_STATUS[error.code], error.code, error.message);
  }
  if (error instanceof InputFault) return answer(400, "invalid", validationSentence(error.faults));
  if (!(error instanceof Error)) return undefined;
  const { validation, statusCode } = error as Error & {
    validation?: readonly ValidationFault[];
    validationContext?: string;
    statusCode?: number;
  };
  if (validation !== undefined) return answer(400, "invalid", validationSentence(validation));
  // Fastify's own: body too large, unknown media type, bad JSON.
  if (statusCode !== undefined && statusCode >= 400 && statusCode < 500) {
    return answer(statusCode, "invalid", `${error.message}; see docs/http.md`);
  }
  return undefined;
}

export function answer(status: number, code: string, message: string) {
  return { status, body: { error: { code, message } } satisfies ErrorBody };
}

interface ValidationFault {
  readonly instancePath: string;
  readonly keyword: string;
  readonly message?: string | undefined;
  readonly params: Readonly<Record<string, unknown>>;
}

/** Whoever sends many faults is told these first. */
const MOST_FAULTS = 10;

function validationSentence(faults: readonly ValidationFault[]): string {
  const sentences = new Set<string>();
  for (const fault of faults) {
    if (sentences.size === MOST_FAULTS) {
      sentences.add("and more");
      break;
    }
    sentences.add(faultSentence(fault));
  }
  return `${[...sentences].join("; ")}. See docs/http.md for what this address takes.`;
}

function faultSentence(fault: ValidationFault): string {
  const name = fault.instancePath.slice(1).replaceAll("/", ".");
  if (fault.keyword === "additionalProperties") {
    return `there is no parameter "${String(fault.params["additionalProperty"])}"`;
  }
  if (fault.keyword === "required") {
    return `${String(fault.params["missingProperty"])} is missing`;
  }
  if (fault.keyword === "enum") {
    return `${name} must be one of: ${(fault.params["allowedValues"] as string[]).join(", ")}`;
  }
  return `${name} ${fault.message ?? "is not valid"}`.trim();
}
