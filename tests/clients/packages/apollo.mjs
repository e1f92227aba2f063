// Apollo Client: pages that are merged, optimistic changes, eviction by `deletedIds`, and persisted queries.
import { createHash } from "node:crypto";
import apollo from "@apollo/client/core/core.cjs";
import persisted from "@apollo/client/link/persisted-queries/persisted-queries.cjs";
import subscriptions from "@apollo/client/link/subscriptions/subscriptions.cjs";
import utilities from "@apollo/client/utilities/utilities.cjs";
import { ask, folder, headers, openSocket, report, until, url } from "./site.mjs";

const { ApolloClient, HttpLink, InMemoryCache, gql, split } = apollo;
const { getMainDefinition, relayStylePagination } = utilities;
const { __schema } = await ask("{ __schema { types { kind name possibleTypes { name } } } }");
const possibleTypes = Object.fromEntries(
  __schema.types.filter((type) => type.possibleTypes).map((type) => [type.name, type.possibleTypes.map(({ name }) => name)]),
);
const cache = new InMemoryCache({
  possibleTypes,
  // IDs are unique across all types, so that what a mutation names by ID alone can be evicted.
  dataIdFromObject: (object) => object.id,
  typePolicies: { StorageFolder: { fields: { items: relayStylePagination(["filter", "orderBy"]) } } },
});
const statuses = [];
const http = new HttpLink({
  uri: url,
  headers,
  fetch: async (...request) => {
    const answer = await fetch(...request);
    const { errors } = await answer.clone().json();
    statuses.push(errors ? errors[0].extensions.code : "OK");
    return answer;
  },
});
const sha256 = (text) => createHash("sha256").update(text).digest("hex");
const socket = openSocket();
const link = split(
  ({ query }) => getMainDefinition(query).operation === "subscription",
  new subscriptions.GraphQLWsLink(socket),
  persisted.createPersistedQueryLink({ sha256 }).concat(http),
);
const client = new ApolloClient({ link, cache });
const seen = {};

const LIST = gql`
  query List($folder: UUID!, $after: String) {
    storageFolder(uuid: $folder) {
      id
      items(first: 2, after: $after) {
        totalCount
        edges { cursor node { id uuid name fileSize } }
        pageInfo { hasNextPage hasPreviousPage startCursor endCursor }
      }
    }
  }
`;
const list = client.watchQuery({ query: LIST, variables: { folder } });
const shown = [];
const names = (data) => data.storageFolder.items.edges.map(({ node }) => node.name);
list.subscribe(({ data }) => shown.push(names(data)));
await until(() => shown.length);
for (let page = list.getCurrentResult().data; page.storageFolder.items.pageInfo.hasNextPage; ) {
  const { endCursor } = page.storageFolder.items.pageInfo;
  await list.fetchMore({ variables: { after: endCursor } });
  page = list.getCurrentResult().data;
}
seen.pages = names(list.getCurrentResult().data);
seen.persisted = [...new Set(statuses)];

const RENAME = gql`
  mutation Rename($input: UpdateStorageItemInput!) {
    updateStorageItem(input: $input) { item { id name } userErrors { code } }
  }
`;
const [first, second] = list.getCurrentResult().data.storageFolder.items.edges.map(({ node }) => node);
shown.length = 0;
await client.mutate({
  mutation: RENAME,
  variables: { input: { itemUuid: first.uuid, name: "renamed" } },
  optimisticResponse: {
    updateStorageItem: {
      __typename: "UpdateStorageItemPayload",
      item: { __typename: "PlainTextItem", id: first.id, name: "renaming" },
      userErrors: [],
    },
  },
});
await until(() => shown.length > 1);
seen.optimistic = shown.map(([name]) => name);

const DELETE = gql`
  mutation Delete($input: DeleteStorageItemsInput!) {
    deleteStorageItems(input: $input) { deletedIds userErrors { code } }
  }
`;
await client.mutate({
  mutation: DELETE,
  variables: { input: { itemUuids: [second.uuid] } },
  update: (cache, { data }) => {
    for (const id of data.deleteStorageItems.deletedIds) cache.evict({ id });
    cache.gc();
  },
});
seen.evicted = names(list.getCurrentResult().data);

const WATCH = gql`
  subscription Watch($folder: UUID!) {
    storageChanged(folderUuid: $folder) { latest changes { id action objectType objectId } }
  }
`;
const events = [];
client.subscribe({ query: WATCH, variables: { folder } }).subscribe(({ data }) => {
  events.push(data.storageChanged);
  for (const { action, objectId } of data.storageChanged.changes) if (action === "DELETE") cache.evict({ id: objectId });
});
await until(() => events.length);
// Another client deletes an item, which the event names by the ID that the cache knows.
await ask("mutation ($u: UUID!) { deleteStorageItems(input: {itemUuids: [$u]}) { userErrors { code } } }", { u: first.uuid });
await until(() => events.some(({ changes }) => changes.some(({ action }) => action === "DELETE")));
seen.evictedByEvent = names(list.getCurrentResult().data);
seen.objectTypes = [...new Set(events.flatMap(({ changes }) => changes.map(({ objectType }) => objectType)))];

const { data: viewer } = await client.query({ query: gql`{ viewer { id siteRole user { id email } } }` });
seen.viewer = cache.readFragment({ id: viewer.viewer.id, fragment: gql`fragment V on Viewer { siteRole }` }).siteRole;
const { data: empty } = await client.query({
  query: gql`query ($folder: UUID!) { storageFolder(uuid: $folder) { id items(first: 0) { totalCount edges { node { id } } pageInfo { hasNextPage endCursor } } } }`,
  variables: { folder },
  fetchPolicy: "no-cache",
});
seen.empty = { ...empty.storageFolder.items, pageInfo: empty.storageFolder.items.pageInfo.hasNextPage };
await socket.dispose();
report(seen);
