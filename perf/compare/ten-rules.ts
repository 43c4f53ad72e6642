/** Ten policy rules per peer, for `versus --rules`: each is looked at for every route, none changes one. */
export const TEN_RULES = `as: 65000
dynamic-peers:
  - prefix: 127.0.0.0/8
`;
