// Starts the stopwatch: the time is handed to the post step as state.
const { appendFileSync } = require("node:fs");

const started = new Date().toISOString();
appendFileSync(process.env.GITHUB_STATE, `started=${started}\n`);
appendFileSync(process.env.GITHUB_OUTPUT, `started=${started}\n`);
console.log(`Stopwatch for '${process.env.INPUT_LABEL}' is running`);
