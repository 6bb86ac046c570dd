// Payloads of our own orchestrations and activities: what they hold is what the types of `records.ts` say.
export const parsePayload = <T>(payload: string | undefined): T => JSON.parse(payload ?? "null") as T;
