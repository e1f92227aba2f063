// graphql-ws: subscriptions of a client with its own defaults live through an outage of the database.
import { createInterface } from "node:readline";
import { folder, openSocket, report, until } from "./site.mjs";

const WATCH = "subscription ($folder: UUID!) { storageChanged(folderUuid: $folder) { latest changes { uuid after } } }";
const failed = [];
const closed = [];

function watch(socket) {
  const events = [];
  socket.subscribe(
    { query: WATCH, variables: { folder } },
    { next: ({ data }) => events.push(data.storageChanged), error: (error) => failed.push(String(error.reason ?? JSON.stringify(error))), complete: () => {} },
  );
  return { events, names: () => events.flatMap((event) => event.changes).map((change) => change.after?.name) };
}

const open = () => openSocket({ retryAttempts: 30, retryWait: () => new Promise((resolve) => setTimeout(resolve, 300)), on: { closed: ({ code }) => closed.push(code) } });
const first = open();
const watches = [watch(first)];
await until(() => watches[0].events.length);
console.error("watching");
for await (const line of createInterface({ input: process.stdin })) {
  if (line === "stopped") watches.push(watch(first), watch(open()));
  if (line === "started") {
    await until(() => watches.every((each) => each.events.length));
    console.error("watching again");
  }
  if (line === "changed") break;
}
await until(() => watches.every((each) => each.names().includes("afterwards")));
report({ failed, closed: [...new Set(closed)] });
