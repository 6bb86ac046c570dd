/** What a step with a script is called where its file gives it no name, as on GitHub. */
export const runStepName = (script: string): string => `Run ${script.trimStart().split("\n", 1)[0] ?? ""}`;
