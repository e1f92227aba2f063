// What Relay's compiler turns into artifacts, against the SDL that the site serves.
import { graphql } from "relay-runtime";

graphql`
  query relayOperationsListQuery($folder: UUID!, $first: Int!, $after: String) {
    storageFolder(uuid: $folder) {
      id
      ...relayOperations_folder
      items(first: $first, after: $after) @connection(key: "relayOperations_items") {
        edges {
          node {
            id
            uuid
            name
          }
        }
      }
    }
  }
`;

graphql`
  mutation relayOperationsDeleteMutation($input: DeleteStorageItemsInput!, $connections: [ID!]!) {
    deleteStorageItems(input: $input) {
      deletedIds @deleteEdge(connections: $connections)
      userErrors {
        code
      }
    }
  }
`;

graphql`
  query relayOperationsFoldersQuery {
    storageFolders(first: 1000) @connection(key: "relayOperations_storageFolders") {
      edges {
        node {
          id
          uuid
        }
      }
    }
  }
`;

graphql`
  mutation relayOperationsDeleteFolderMutation($input: DeleteStorageFolderInput!, $connections: [ID!]!) {
    deleteStorageFolder(input: $input) {
      deletedId @deleteEdge(connections: $connections) @deleteRecord
      userErrors {
        code
      }
    }
  }
`;

graphql`
  query relayOperationsViewerQuery {
    viewer {
      ...relayOperations_viewer
      id
    }
  }
`;

graphql`
  fragment relayOperations_viewer on Viewer @refetchable(queryName: "relayOperationsViewerRefetchQuery") {
    siteRole
  }
`;

graphql`
  fragment relayOperations_folder on StorageFolder @refetchable(queryName: "relayOperationsFolderRefetchQuery") {
    name
  }
`;

graphql`
  subscription relayOperationsWatchSubscription($folder: UUID!) {
    storageChanged(folderUuid: $folder) {
      changes {
        id
        action
        objectId
      }
    }
  }
`;
