/** A value as its sender serialised it: opaque text to the engine. An absent payload and "" are different things. */
export type Payload = string;

export type JsonValue = null | boolean | number | string | readonly JsonValue[] | { readonly [key: string]: JsonValue };
