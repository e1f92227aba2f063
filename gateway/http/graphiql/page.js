// Opens GraphiQL on this endpoint, and asks for an API key once.

const STORED = "storegraph.key";
const REFUSED = "The server did not accept this key. It may have expired or been revoked.";
const EXAMPLES = [
  {
    query: `# Ctrl-Enter runs this, Ctrl-Space completes.
# Who am I?
query Viewer {
  viewer {
    user {
      email
    }
  }
}
`,
  },
  {
    query: `# The folders that you can see, and what they contain.
query Folders {
  storageFolders(first: 10) {
    nodes {
      uuid
      name
      summary(recursive: true) {
        files
        totalSize
      }
    }
  }
}
`,
  },
  {
    query: `# An upload job: its state now, then each change.
# Put the job's UUID in the variables below.
subscription UploadJob($uuid: UUID!) {
  uploadJobUpdated(uuid: $uuid) {
    status
    unitsDoneCount
  }
}
`,
    variables: '{\n  "uuid": ""\n}',
  },
];

const endpoint = location.origin + location.pathname;
const root = ReactDOM.createRoot(byId("graphiql"));
const dialog = byId("key-dialog");
let socket;
let editors = 0;

function byId(id) {
  return document.getElementById(id);
}

function storedKey() {
  return sessionStorage.getItem(STORED) ?? localStorage.getItem(STORED);
}

function storeKey(key, remember) {
  forgetKey();
  (remember ? localStorage : sessionStorage).setItem(STORED, key);
}

function forgetKey() {
  sessionStorage.removeItem(STORED);
  localStorage.removeItem(STORED);
}

// The reason says why a key that was there is asked for again; without a key there is no way to cancel.
function askForKey(reason = "") {
  byId("key-reason").textContent = reason;
  byId("key-reason").hidden = !reason;
  if (dialog.open) return; // what is being typed stays
  byId("cancel").hidden = !storedKey();
  byId("remember").checked = localStorage.getItem(STORED) !== null;
  byId("key").value = "";
  dialog.showModal();
  byId("key").focus();
}

// Answers to the key before may come late.
function refuse(authorization) {
  if (authorization === `Bearer ${storedKey()}`) askForKey(REFUSED);
}

function createFetcher(authorization) {
  socket = graphqlWs.createClient({
    url: endpoint.replace(/^http/, "ws"),
    connectionParams: { authorization },
    shouldRetry: (event) => event instanceof CloseEvent && event.code < 4400,
    on: { closed: ({ code }) => (code === 4401 || code === 4403) && refuse(authorization) },
  });
  return GraphiQL.createFetcher({
    url: endpoint,
    headers: { authorization },
    wsClient: socket,
    enableIncrementalDelivery: false,
    fetch: async (...request) => {
      const response = await fetch(...request);
      if (response.status === 401) refuse(authorization);
      return response;
    },
  });
}

// Another key means another fetcher and another editor, since the schema and the answers may differ.
function open(key) {
  close();
  byId("key-end").textContent = `…${key.slice(-4)}`;
  byId("credential").hidden = false;
  root.render(
    React.createElement(GraphiQL, {
      key: ++editors,
      fetcher: createFetcher(`Bearer ${key}`),
      defaultTabs: EXAMPLES,
      defaultEditorToolsVisibility: "variables",
    }),
  );
}

function close() {
  socket?.dispose();
  byId("credential").hidden = true;
  root.render(null);
}

byId("endpoint").textContent = endpoint;
byId("change").addEventListener("click", () => askForKey());
byId("cancel").addEventListener("click", () => dialog.close());
byId("forget").addEventListener("click", () => {
  forgetKey();
  close();
  askForKey();
});
dialog.addEventListener("close", () => storedKey() || askForKey());
dialog.addEventListener("submit", () => {
  const key = byId("key").value.trim();
  storeKey(key, byId("remember").checked);
  open(key);
});

const key = storedKey();
if (key) open(key);
else askForKey();
