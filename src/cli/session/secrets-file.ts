/** The secrets in a file, by name; read by the option that first read it. */
export async function readSecretsOf(path: string): Promise<{ readonly [name: string]: string }> {
  const { readSecrets } = await import("../options/secrets.ts");
  return (await readSecrets({ secretsFile: path }, {}, "/")).values;
}
