// urql with graphcache, which knows the schema: normalised objects, pages, invalidation, and subscriptions.
import { Client, fetchExchange, gql, subscriptionExchange } from "@urql/core";
import { cacheExchange } from "@urql/exchange-graphcache";
import { relayPagination } from "@urql/exchange-graphcache/extras";
import { minifyIntrospectionQuery } from "@urql/introspection";
import { getIntrospectionQuery } from "graphql";
import { pipe, subscribe } from "wonka";
import { ask, folder, headers, openSocket, report, until, url } from "./site.mjs";

const warnings = [];
for (const method of ["warn", "error"]) console[method] = (...words) => warnings.push(words.join(" "));
const introspected = await ask(getIntrospectionQuery());
const objects = introspected.__schema.types.filter(({ kind, name }) => kind === "OBJECT" && !name.startsWith("__"));
const items = introspected.__schema.types.find(({ name }) => name === "StorageItem").possibleTypes;
const embedded = objects.filter(({ fields }) => !fields.some(({ name }) => name === "id")).map(({ name }) => name);
const evict = (cache, id) => items.forEach(({ name }) => cache.invalidate({ __typename: name, id }));
const socket = openSocket();
const client = new Client({
  url,
  preferGetMethod: false,
  fetchOptions: { headers },
  exchanges: [
    cacheExchange({
      schema: minifyIntrospectionQuery(introspected, { includeScalars: true, includeEnums: true, includeInputs: true }),
      keys: Object.fromEntries(embedded.map((name) => [name, () => null])),
      resolvers: { StorageFolder: { items: relayPagination() } },
      updates: {
        Mutation: {
          deleteStorageItems: (result, _arguments, cache) =>
            result.deleteStorageItems.deletedIds?.forEach((id) => evict(cache, id)),
        },
        Subscription: {
          storageChanged: (result, _arguments, cache) =>
            result.storageChanged.changes.forEach(({ action, objectId }) => action === "DELETE" && evict(cache, objectId)),
        },
      },
    }),
    fetchExchange,
    subscriptionExchange({
      forwardSubscription: (request) => ({
        subscribe: (sink) => ({ unsubscribe: socket.subscribe({ ...request, query: request.query || "" }, sink) }),
      }),
    }),
  ],
});
const seen = {};
const LIST = gql`
  query List($folder: UUID!, $after: String) {
    storageFolder(uuid: $folder) {
      id
      items(first: 3, after: $after) {
        totalCount
        edges { cursor node { id uuid name fileSize } }
        pageInfo { hasNextPage hasPreviousPage startCursor endCursor }
      }
    }
  }
`;
let current;
pipe(client.query(LIST, { folder }), subscribe((result) => (current = result)));
const edges = () => current.data.storageFolder.items.edges;
const names = () => edges().map(({ node }) => node.name);
await until(() => current);
if (current.error) throw current.error;
await client.query(LIST, { folder, after: current.data.storageFolder.items.pageInfo.endCursor }).toPromise();
await until(() => edges().length > 3);
seen.pages = names();

const [first, second] = edges().map(({ node }) => node);
const RENAME = gql`
  mutation Rename($input: UpdateStorageItemInput!) {
    updateStorageItem(input: $input) { item { id name } userErrors { code } }
  }
`;
await client.mutation(RENAME, { input: { itemUuid: first.uuid, name: "0.txt" } }).toPromise();
await until(() => names().includes("0.txt"));
seen.renamed = names();

const DELETE = gql`
  mutation Delete($input: DeleteStorageItemsInput!) {
    deleteStorageItems(input: $input) { deletedIds userErrors { code } }
  }
`;
const isStale = () => !names().includes(second.name);
await client.mutation(DELETE, { input: { itemUuids: [second.uuid] } }).toPromise();
await until(isStale);
seen.deleted = names();

const WATCH = gql`
  subscription Watch($folder: UUID!) {
    storageChanged(folderUuid: $folder) { folderId latest changes { id action objectType objectId } }
  }
`;
const events = [];
pipe(client.subscription(WATCH, { folder }), subscribe(({ data }) => data && events.push(data.storageChanged)));
await until(() => events.length);
await ask("mutation ($u: UUID!) { deleteStorageItems(input: {itemUuids: [$u]}) { userErrors { code } } }", { u: first.uuid });
await until(() => !names().includes("0.txt"));
seen.deletedByEvent = names();

// A sequence number may be a string, for clients that keep integers of 64 bits exact in this way.
const UNITS = gql`
  query Units($folder: UUID!, $after: BigInt) {
    storageFolder(uuid: $folder) { id uploadJobs { nodes { id sequence units(changedAfter: $after) { totalCount } } } }
  }
`;
const { data, error } = await client.query(UNITS, { folder, after: "9007199254740993" }).toPromise();
if (error) throw error;
seen.unitsChanged = data.storageFolder.uploadJobs.nodes.map(({ units }) => units.totalCount);
seen.warnings = warnings;
await socket.dispose();
report(seen);
