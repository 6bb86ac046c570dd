const VALID = /^[A-Za-z_][A-Za-z0-9_-]*$/;
const MAX_LENGTH = 100;

/** Why a job or step id is not allowed, in GitHub's words; undefined if it is. */
export function identifierProblem(id: string): string | undefined {
  if (!VALID.test(id) || id.length >= MAX_LENGTH) {
    return `The identifier '${id}' is invalid. IDs may only contain alphanumeric characters, '_', and '-'. IDs must start with a letter or '_' and must be less than ${MAX_LENGTH} characters.`;
  }
  if (id.startsWith("__")) return `The identifier '${id}' is invalid. IDs starting with '__' are reserved.`;
  return undefined;
}
