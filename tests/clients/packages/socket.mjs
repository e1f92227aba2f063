// graphql-ws: a subscription outlives its connection, and loses no change.
import { ask, folder, openSocket, report, until } from "./site.mjs";

let connection;
const opened = [];
const socket = openSocket({
  retryAttempts: 5,
  retryWait: async () => {},
  shouldRetry: () => true,
  on: { opened: (raw) => ((connection = raw), opened.push(Date.now())) },
});
const events = [];
const WATCH = "subscription ($folder: UUID!, $after: BigInt) { storageChanged(folderUuid: $folder, after: $after) { latest changes { uuid action after } } }";
const variables = { folder, after: null };
const failed = [];
socket.subscribe(
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
const names = () => {
  const changes = new Map(events.flatMap((event) => event.changes).map((change) => [change.uuid, change.after?.name]));
  return [...changes.values()];
};
await until(() => events.length);
await create("first");
await until(() => names().includes("first"));
connection.terminate();
await create("while away");
await until(() => opened.length > 1 && names().includes("while away"));
await create("after");
await until(() => names().includes("after"));
await socket.dispose();
report({ names: names(), connections: opened.length, failed });
