// Reads the stopwatch when the job has ended.
const ranMs = Date.now() - Date.parse(process.env.STATE_started);
console.log(`::notice title=Stopwatch::${process.env.INPUT_LABEL} took ${ranMs} ms`);
