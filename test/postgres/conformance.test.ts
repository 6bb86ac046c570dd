import { describeStore } from "../store-conformance/conformance.ts";
import { postgresBackend, useServer } from "./backend.ts";

const server = useServer();

describeStore("PostgreSQL", () => postgresBackend(server.url, "crashed"));
