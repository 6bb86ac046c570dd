#!/usr/bin/env node
// The command's first file: plain JavaScript that any Node can parse, so that an old one gets a message, not a syntax error.
const major = Number(process.versions.node.split(".")[0]);
if (process.platform === "win32") {
  process.stderr.write("signalbox runs on Linux and macOS. On Windows run it inside WSL.\n");
  process.exitCode = 2;
} else if (!(major >= 24)) {
  process.stderr.write(`signalbox needs Node 24 or newer; this is Node ${process.versions.node}. Install a newer Node, or run it with: npx -p node@24 -p signalbox signalbox\n`);
  process.exitCode = 2;
} else {
  const { enableCompileCache } = await import("node:module");
  enableCompileCache();
  await import("./main.js");
}
