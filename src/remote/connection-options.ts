// Where a server is and how it is spoken to: what a program says of it. Free of the package behind, so that the types of the
// library need nothing.

export interface TlsOptions {
  /** PEM; absent: the authorities that this machine trusts. */
  readonly ca?: string;
  /** PEM, for servers that ask who calls. Both or none. */
  readonly certificate?: string;
  readonly key?: string;
  /** The name in the server's certificate, where it is not that of the address. */
  readonly serverName?: string;
}

export interface ConnectionOptions {
  /** `host:port`, or another target that gRPC knows, such as `unix:/run/signalbox.sock`. */
  readonly address: string;
  /** The namespace of instances; "default" if absent. */
  readonly hub?: string;
  /** Sent with every call as `authorization: Bearer`. */
  readonly token?: string;
  /** True: TLS with the authorities that this machine trusts. Absent: none. */
  readonly tls?: boolean | TlsOptions;
  /** The longest message that goes in either direction, in bytes; 64 MiB if absent. */
  readonly maxMessageBytes?: number;
}
