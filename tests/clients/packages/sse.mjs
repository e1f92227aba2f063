// graphql-sse: a subscription over HTTP, which outlives its connection and loses no change.
import { createClient } from "graphql-sse";
import { ask, folder, headers, report, until, url } from "./site.mjs";

let connections = 0;
let connection;
const client = createClient({
  url,
  headers,
  retryAttempts: 5,
  retry: async () => {},
  fetchFn: async (address, init) => {
    connections += 1;
    connection = new AbortController();
    const response = await fetch(address, { ...init, signal: AbortSignal.any([init.signal, connection.signal]) });
    return response;
  },
});
const events = [];
const failed = [];
const WATCH = "subscription ($folder: UUID!, $after: BigInt) { storageChanged(folderUuid: $folder, after: $after) { latest changes { uuid after } } }";
const variables = { folder, after: null };
const stop = client.subscribe(
  { query: WATCH, get variables() { return variables; } },
  {
    next: ({ data }) => {
      events.push(data.storageChanged);
      variables.after = data.storageChanged.latest;
    },
    error: (error) => failed.push(String(error)),
    complete: () => {},
  },
);
const create = (name) =>
  ask("mutation ($name: String!, $parent: UUID!) { createStorageFolder(input: {name: $name, parentUuid: $parent}) { folder { id } } }", { name, parent: folder });
const names = () => events.flatMap((event) => event.changes).map((change) => change.after?.name);
await until(() => events.length);
await create("first of sse");
await until(() => names().includes("first of sse"));
connection.abort();
await create("missed by sse");
await until(() => connections > 1 && names().includes("missed by sse"));
stop();

const once = (query) => new Promise((resolve, reject) => {
  const answers = [];
  client.subscribe({ query }, { next: (answer) => answers.push(answer), error: reject, complete: () => resolve(answers) });
});
const [{ data }] = await once("{ viewer { siteRole } }");
const [{ errors }] = await once("subscription { missing }");
report({ names: [...new Set(names())], role: data.viewer.siteRole, code: errors[0].extensions.code, connections, failed });
