#!/usr/bin/env node
// The first file of the command, copied as it is: it must parse on every Node since 14, so that an old one gets a
// sentence and not a syntax error. Everything else is loaded after the check.

const OLDEST_NODE = 24;

const major = Number(process.versions.node.split(".")[0]);
if (process.platform !== "linux" && process.platform !== "darwin") {
  refuse(`Signalbox runs on Linux and macOS; this is ${process.platform}. On Windows, run it inside WSL.`);
} else if (!(major >= OLDEST_NODE)) {
  refuse(
    `Signalbox needs Node ${OLDEST_NODE} or newer; this is Node ${process.versions.node} (${process.execPath}). Install a newer one from https://nodejs.org.`,
  );
} else {
  import("./launch.js")
    .then(({ load }) => load())
    .then(
      (start) => start(),
      (error) => refuse(`Signalbox cannot load its own files: ${error instanceof Error ? error.message : error}. Install it again.`),
    );
}

function refuse(message) {
  process.stderr.write(`signalbox: ${message}\n`);
  process.exitCode = 2;
}
