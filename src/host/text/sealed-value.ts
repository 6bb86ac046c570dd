// Values that contain a secret lie in history as AES-256-GCM ciphertext under the run's key (StepValue in
// model/host-port.ts). The context, such as the run's id, is authenticated: a value moved to another run does not open.

import { createCipheriv, createDecipheriv, randomBytes } from "node:crypto";
import { SignalboxError } from "../../model/errors.ts";
import type { StepValue } from "../../model/host-port.ts";
import type { Masker } from "./masker.ts";

const KEY_BYTES = 32;
const NONCE_BYTES = 12;
const TAG_BYTES = 16;
const UTF8 = 0;
/** Text with lone surrogates has no UTF-8 form. */
const UTF16 = 1;

export class ValueSealer {
  readonly #key: Buffer;
  readonly #context: Buffer;

  /** `key`: 32 bytes in base64. */
  constructor(key: string, context: string) {
    this.#key = Buffer.from(key, "base64");
    if (this.#key.length !== KEY_BYTES) {
      throw new SignalboxError("INVALID_ARGUMENT", `The run's key must be ${KEY_BYTES} bytes in base64, not ${this.#key.length}.`);
    }
    this.#context = Buffer.from(context);
  }

  seal(text: string): string {
    const nonce = randomBytes(NONCE_BYTES);
    const cipher = createCipheriv("aes-256-gcm", this.#key, nonce).setAAD(this.#context);
    const plain = text.isWellFormed() ? Buffer.from(text, "utf8") : Buffer.from(text, "utf16le");
    const body = [cipher.update(Buffer.of(text.isWellFormed() ? UTF8 : UTF16)), cipher.update(plain), cipher.final()];
    return Buffer.concat([nonce, cipher.getAuthTag(), ...body]).toString("base64");
  }

  open(sealed: string): string {
    const bytes = Buffer.from(sealed, "base64");
    try {
      const decipher = createDecipheriv("aes-256-gcm", this.#key, bytes.subarray(0, NONCE_BYTES), { authTagLength: TAG_BYTES })
        .setAAD(this.#context)
        .setAuthTag(bytes.subarray(NONCE_BYTES, NONCE_BYTES + TAG_BYTES));
      const plain = Buffer.concat([decipher.update(bytes.subarray(NONCE_BYTES + TAG_BYTES)), decipher.final()]);
      return plain.toString(plain[0] === UTF16 ? "utf16le" : "utf8", 1);
    } catch (cause) {
      throw new SignalboxError(
        "FAILED_PRECONDITION",
        "A sealed value of the run does not open: the run's key is not the one that sealed it, or the value was changed.",
        { cause },
      );
    }
  }

  /** Sealed if a mask would change it, else as it is. */
  toStepValue(text: string, masker: Masker): StepValue {
    return masker.wouldMask(text) ? { sealed: this.seal(text) } : text;
  }

  fromStepValue(value: StepValue): string {
    return typeof value === "string" ? value : this.open(value.sealed);
  }
}
