import type { CommandContext } from "../command-context.ts";
import { EXIT } from "../exit-codes.ts";
import { plainText } from "../render/safe-text.ts";
import { markOf, styleFor } from "../render/style.ts";
import { findWorkflow } from "../workflow-file/find-workflow.ts";
import { loadWorkflow, showFileDiagnostics, shownPath } from "../workflow-file/load-workflow.ts";

export async function validate(files: readonly string[], options: { readonly json?: boolean }, context: CommandContext): Promise<number> {
  const paths =
    files.length === 0 ? [await findWorkflow(undefined, context)] : await Promise.all(files.map((file) => findWorkflow(file, context)));
  const results = await Promise.all(paths.map(async (path) => ({ path, loaded: await loadWorkflow(path, context) })));
  const style = styleFor(context.terminal.hasColor);
  if (options.json) {
    const shown = results.map(({ path, loaded }) => ({
      file: shownPath(path, context),
      valid: loaded.plan !== undefined,
      diagnostics: loaded.diagnostics,
    }));
    context.terminal.write(`${JSON.stringify({ schemaVersion: 1, files: shown }, null, 2)}\n`);
  } else {
    for (const { path, loaded } of results) {
      showFileDiagnostics(path, loaded, context);
      const mark = markOf("completed", loaded.plan === undefined ? "failure" : "success", style);
      const word = loaded.plan === undefined ? "is not valid" : "is valid";
      context.terminal.write(`${mark.paint(mark.text)} ${plainText(shownPath(path, context))} ${word}\n`);
    }
  }
  return results.every(({ loaded }) => loaded.plan !== undefined) ? EXIT.success : EXIT.usage;
}
