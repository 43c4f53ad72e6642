/**
 * RADIUS registries (https://www.iana.org/assignments/radius-types): the codes and attributes the
 * relay itself acts on. All others travel as octets and get their names from the dictionary.
 */
export const Code = {
  AccessRequest: 1,
  AccessAccept: 2,
  AccessReject: 3,
  AccountingRequest: 4,
  AccountingResponse: 5,
  AccessChallenge: 11,
  StatusServer: 12,
  DisconnectRequest: 40,
  DisconnectAck: 41,
  DisconnectNak: 42,
  CoaRequest: 43,
  CoaAck: 44,
  CoaNak: 45,
  ProtocolError: 52,
} as const;

export const Attr = {
  UserName: 1,
  UserPassword: 2,
  ChapPassword: 3,
  NasIpAddress: 4,
  FramedIpAddress: 8,
  ReplyMessage: 18,
  State: 24,
  Class: 25,
  VendorSpecific: 26,
  CalledStationId: 30,
  CallingStationId: 31,
  NasIdentifier: 32,
  ProxyState: 33,
  AcctStatusType: 40,
  AcctDelayTime: 41,
  AcctInputOctets: 42,
  AcctOutputOctets: 43,
  AcctSessionId: 44,
  AcctSessionTime: 46,
  AcctInputPackets: 47,
  AcctOutputPackets: 48,
  AcctInputGigawords: 52,
  AcctOutputGigawords: 53,
  EventTimestamp: 55,
  ChapChallenge: 60,
  TunnelPassword: 69,
  EapMessage: 79,
  MessageAuthenticator: 80,
  TunnelPrivateGroupId: 81,
  FramedPool: 88,
  ErrorCause: 101,
  Extended1: 241,
} as const;

export const Vendor = { Microsoft: 311, Erx: 4874 } as const;

export const Erx = { AddressPoolName: 2, ServiceBundle: 31, RadiusClientAddress: 52 } as const;

export const AcctStatus = { Start: 1, Stop: 2, Interim: 3, On: 7, Off: 8 } as const;

/** RFC 5176 section 3.5. */
export const ErrorCause = {
  ResidualSessionContextRemoved: 201,
  UnsupportedAttribute: 401,
  MissingAttribute: 402,
  NasIdentificationMismatch: 403,
  InvalidRequest: 404,
  UnsupportedExtension: 406,
  AdministrativelyProhibited: 501,
  RequestNotRoutable: 502,
  SessionContextNotFound: 503,
  OtherProxyProcessingError: 505,
  ResourcesUnavailable: 506,
  MultipleSessionSelectionUnsupported: 508,
} as const;

export const HEADER = 20;
export const PACKET_MAX = 4096;
