/** IKE messages written out: octets of tests, a part a function. */
export function u8(value: number): string {
  return value.toString(16).padStart(2, "0");
}

export function u16(value: number): string {
  return value.toString(16).padStart(4, "0");
}

export function u32(value: number): string {
  return value.toString(16).padStart(8, "0");
}

/** A chain: each payload by its type and body; the header in front says the next one's. */
export function chain(payloads: readonly (readonly [number, string])[]): string {
  return payloads
    .map(
      ([, body], index) =>
        u8(payloads[index + 1]?.[0] ?? 0) + "00" + u16(body.length / 2 + 4) + body,
    )
    .join("");
}

export interface MessageParts {
  readonly version?: 1 | 2;
  readonly exchange: number;
  readonly flags?: number;
  readonly id?: number;
}

export function message(
  { version = 1, exchange, flags = 0, id = 0 }: MessageParts,
  payloads: readonly (readonly [number, string])[],
): Uint8Array {
  const body = chain(payloads);
  const hex =
    "522f000000000001" +
    "0003000000000002" +
    u8(payloads[0]?.[0] ?? 0) +
    u8(version * 16) +
    u8(exchange) +
    u8(flags) +
    u32(id) +
    u32(28 + body.length / 2) +
    body;
  return Uint8Array.from(Buffer.from(hex, "hex"));
}

/** An IKEv1 attribute in the basic form. */
export function basic(type: number, value: number): string {
  return u16(0x8000 | type) + u16(value);
}

/** The same in the variable form, of 4 octets. */
export function variable(type: number, value: number): string {
  return u16(type) + "0004" + u32(value);
}

function transform(number: number, id: number, attributes: string, last: boolean): string {
  return (
    (last ? "00" : "03") +
    "00" +
    u16(8 + attributes.length / 2) +
    u8(number) +
    u8(id) +
    "0000" +
    attributes
  );
}

/** Body of an IKEv1 SA payload with one proposal. */
export function saV1(
  protocol: number,
  spi: string,
  transforms: readonly (readonly [number, string])[],
): string {
  const inside = transforms
    .map(([id, attributes], index) =>
      transform(index + 1, id, attributes, index === transforms.length - 1),
    )
    .join("");
  const proposal =
    "0000" +
    u16(8 + spi.length / 2 + inside.length / 2) +
    "01" +
    u8(protocol) +
    u8(spi.length / 2) +
    u8(transforms.length) +
    spi +
    inside;
  return u32(1) + u32(1) + proposal;
}
