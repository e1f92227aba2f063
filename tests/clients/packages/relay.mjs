// Relay: connections that grow, `@deleteEdge` with `deletedId` and `deletedIds`, and objects fetched by `node(id:)`.
import { readdirSync } from "node:fs";
import runtime from "relay-runtime";
import { ask, folder, headers, openSocket, report, until, url } from "./site.mjs";

const { ConnectionHandler, Environment, Network, Observable, RecordSource, Store } = runtime;
const { commitMutation, createOperationDescriptor, fetchQuery, getRequest, requestSubscription } = runtime;
const artifacts = {};
for (const file of readdirSync("__generated__").filter((name) => name.endsWith(".js"))) {
  artifacts[file.split(".")[0].replace("relayOperations", "")] = (await import(`./__generated__/${file}`)).default;
}
async function send({ text: query }, variables) {
  const body = JSON.stringify({ query, variables });
  const answer = await fetch(url, { method: "POST", headers: { ...headers, "content-type": "application/json" }, body });
  return answer.json();
}
const socket = openSocket();
const listen = ({ text: query }, variables) =>
  Observable.create((sink) => socket.subscribe({ query, variables }, sink));
const store = new Store(new RecordSource());
const environment = new Environment({ network: Network.create(send, listen), store });
const query = (artifact, variables) => fetchQuery(environment, artifact, variables).toPromise();
const read = (artifact, variables) => {
  const operation = createOperationDescriptor(getRequest(artifact), variables);
  return environment.lookup(operation.fragment).data;
};
const mutate = (mutation, variables) =>
  new Promise((onCompleted, onError) => commitMutation(environment, { mutation, variables, onCompleted, onError }));
const seen = {};

const page = { folder, first: 2, after: null };
await query(artifacts.ListQuery, page);
environment.retain(createOperationDescriptor(getRequest(artifacts.ListQuery), page));
const items = () => read(artifacts.ListQuery, page).storageFolder.items;
while (items().pageInfo.hasNextPage) {
  const next = { ...page, after: items().pageInfo.endCursor };
  await query(artifacts.ListQuery, next);
}
const names = () => items().edges.map(({ node }) => node.name);
seen.pages = names();

const { id } = read(artifacts.ListQuery, page).storageFolder;
const connection = ConnectionHandler.getConnectionID(id, "relayOperations_items");
const [first, second] = items().edges.map(({ node }) => node);
await mutate(artifacts.DeleteMutation, { input: { itemUuids: [first.uuid, second.uuid] }, connections: [connection] });
seen.deleted = names();

const made = await ask('mutation { createStorageFolder(input: {name: "short-lived"}) { folder { id uuid } } }');
const doomed = made.createStorageFolder.folder;
await query(artifacts.FoldersQuery, {});
environment.retain(createOperationDescriptor(getRequest(artifacts.FoldersQuery), {}));
const folders = () => read(artifacts.FoldersQuery, {}).storageFolders.edges.map(({ node }) => node?.id);
const before = folders();
const roots = ConnectionHandler.getConnectionID("client:root", "relayOperations_storageFolders");
await mutate(artifacts.DeleteFolderMutation, { input: { folderUuid: doomed.uuid }, connections: [roots] });
seen.folderDeleted = [before.includes(doomed.id), folders().includes(doomed.id), before.length - folders().length];

const { viewer } = await query(artifacts.ViewerQuery, {});
await query(artifacts.ViewerRefetchQuery, {});
seen.viewer = store.getSource().get(viewer.id).siteRole;
await query(artifacts.FolderRefetchQuery, { id });
seen.refetched = store.getSource().get(id).name;

const events = [];
requestSubscription(environment, {
  subscription: artifacts.WatchSubscription,
  variables: { folder },
  onNext: ({ storageChanged }) => events.push(...storageChanged.changes, "event"),
  // The event names what was deleted by the ID of its record.
  updater: (source, { storageChanged }) =>
    storageChanged.changes.forEach(({ action, objectId }) => action === "DELETE" && source.delete(objectId)),
});
await until(() => events.length);
const third = items().edges[0].node;
await ask("mutation ($u: UUID!) { deleteStorageItems(input: {itemUuids: [$u]}) { userErrors { code } } }", { u: third.uuid });
await until(() => events.some(({ action }) => action === "DELETE"));
seen.deletedByEvent = items().edges.map((edge) => edge?.node?.name ?? null);
await socket.dispose();
report(seen);
