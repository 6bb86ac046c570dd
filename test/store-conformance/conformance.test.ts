import { inlineBackend, memoryBackend, threadedBackend } from "./backends.ts";
import { describeStore } from "./conformance.ts";

describeStore("memory", memoryBackend);
describeStore("SQLite (threaded)", threadedBackend);
describeStore("SQLite (inline)", inlineBackend);
