import { InvalidArgumentError } from "commander";

export interface ListenAddress {
  readonly host: string;
  readonly port: number;
}

/** `HOST:PORT`, an IPv6 address in brackets. Port 0: any free one. */
export function listenAddress(text: string): ListenAddress {
  const [, bracketed, plain, digits] = /^(?:\[([^\]]+)\]|([^:[\]]+)):(\d{1,5})$/.exec(text) ?? [];
  const host = bracketed ?? plain;
  const port = Number(digits);
  if (host === undefined || !(port <= 65_535)) {
    throw new InvalidArgumentError("It must be HOST:PORT, such as 127.0.0.1:4001 or [::1]:4001.");
  }
  return { host, port };
}

export function listenAddressOrOff(text: string): ListenAddress | "off" {
  return text === "off" ? "off" : listenAddress(text);
}

export function addressText({ host, port }: ListenAddress): string {
  return host.includes(":") ? `[${host}]:${port}` : `${host}:${port}`;
}
