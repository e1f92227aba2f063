// A media library in a page of another origin: folders, thumbnails, viewers, and uploads with progress.

const { api, key } = Object.fromEntries(new URLSearchParams(location.hash.slice(1)));
const byId = (id) => document.getElementById(id);
const add = (parent, tag, properties = {}) =>
  parent.appendChild(Object.assign(document.createElement(tag), properties));

async function ask(query, variables = {}) {
  const response = await fetch(`${api}/graphql`, {
    method: "POST",
    headers: { authorization: `Bearer ${key}`, "content-type": "application/json" },
    body: JSON.stringify({ query, variables }),
  });
  const { data, errors } = await response.json();
  if (errors) throw new Error(errors[0].message);
  return data;
}

function watch(query, variables, receive) {
  const socket = new WebSocket(`${api.replace(/^http/, "ws")}/graphql`, "graphql-transport-ws");
  const send = (message) => socket.send(JSON.stringify(message));
  socket.onopen = () => send({ type: "connection_init", payload: { authorization: `Bearer ${key}` } });
  return new Promise((done, fail) => {
    socket.onclose = ({ code }) => fail(new Error(`The socket was closed: ${code}`));
    socket.onmessage = ({ data }) => {
      const { type, payload } = JSON.parse(data);
      if (type === "connection_ack")
        send({ id: "1", type: "subscribe", payload: { query, variables } });
      if (type === "ping") send({ type: "pong" });
      if (type === "next") receive(payload.data);
      if (type === "complete") done(socket.close());
    };
  });
}

async function showFolders(list, parent) {
  const { roots, storageFolder } = await ask(
    `query ($parent: UUID!, $isRoot: Boolean!) {
      roots: storageFolders(first: 100) @include(if: $isRoot) { nodes { uuid name } }
      storageFolder(uuid: $parent) @skip(if: $isRoot) { subfolders(first: 100) { nodes { uuid name } } }
    }`,
    { parent: parent ?? "00000000-0000-0000-0000-000000000000", isRoot: !parent },
  );
  for (const { uuid, name } of (roots ?? storageFolder.subfolders).nodes) {
    const item = add(list, "li");
    const button = add(item, "button", { textContent: name });
    button.onclick = async () => {
      if (!item.querySelector("ul")) await showFolders(add(item, "ul"), uuid);
      await openFolder(uuid);
    };
  }
}

let folder;

async function openFolder(uuid) {
  folder = uuid;
  const { storageFolder } = await ask(
    `query ($uuid: UUID!) {
      storageFolder(uuid: $uuid) {
        items(first: 100) {
          nodes {
            name mimeType signedUrl(disposition: INLINE) { url }
            thumbnail { url width height } thumbnailUnavailableReason
          }
        }
      }
    }`,
    { uuid },
  );
  const items = storageFolder.items.nodes;
  byId("grid").replaceChildren();
  for (const item of items) {
    const figure = add(byId("grid"), "figure", { onclick: () => view(item) });
    if (item.thumbnail) {
      const { url, width, height } = item.thumbnail;
      add(figure, "img", { src: url, width, height, alt: "" });
    } else add(figure, "small", { textContent: item.thumbnailUnavailableReason });
    add(figure, "figcaption", { textContent: item.name });
  }
  if (items.some((item) => item.thumbnailUnavailableReason === "PENDING"))
    setTimeout(() => folder === uuid && openFolder(uuid), 1000);
}

function view({ mimeType, signedUrl: { url } }) {
  byId("view").replaceChildren();
  const tag = { image: "img", video: "video", audio: "audio" }[mimeType.split("/")[0]] ?? "iframe";
  add(byId("view"), tag, { src: url, controls: true, muted: true });
}

function send({ url, method, uploadHeaders }, body, progress) {
  const request = new XMLHttpRequest();
  request.open(method, url);
  for (const [name, value] of Object.entries(uploadHeaders)) request.setRequestHeader(name, value);
  request.upload.onprogress = ({ loaded }) => progress(loaded);
  return new Promise((done, fail) => {
    request.onload = () =>
      [200, 412].includes(request.status) ? done() : fail(new Error(request.responseText));
    request.onerror = () => fail(new Error("The upload was interrupted."));
    request.send(body);
  });
}

async function upload(file, target) {
  const bar = add(byId("uploads"), "progress", { max: file.size, value: 0, title: file.name });
  if (target.url) return send(target, file, (loaded) => (bar.value = loaded));
  const partNumbers = Array.from({ length: target.partCount }, (_, index) => index + 1);
  const { signUploadParts } = await ask(
    `mutation ($input: SignUploadPartsInput!) {
      signUploadParts(input: $input) { parts { url method uploadHeaders } userErrors { message } }
    }`,
    { input: { itemUuid: target.itemUuid, partNumbers } },
  );
  for (const [index, part] of signUploadParts.parts.entries()) {
    const start = index * target.partSize;
    const end = start + Number(target.partSize);
    await send(part, file.slice(start, end), (loaded) => (bar.value = start + loaded));
  }
  await ask(
    `mutation ($input: CompleteUploadPartsInput!) {
      completeUploadParts(input: $input) { userErrors { message } }
    }`,
    { input: { itemUuid: target.itemUuid } },
  );
}

async function uploadAll(files) {
  const announced = files.map(({ name, size, type }) => ({ name, fileSize: size, mimeType: type }));
  const { requestUploadUrls } = await ask(
    `mutation ($input: RequestUploadUrlsInput!) {
      requestUploadUrls(input: $input) {
        targets { itemUuid url method uploadHeaders partSize partCount } userErrors { message }
      }
    }`,
    { input: { folderUuid: folder, files: announced } },
  );
  const { targets } = requestUploadUrls;
  await Promise.all(targets.map((target, index) => upload(files[index], target)));
  const { startUploadJob } = await ask(
    `mutation ($input: StartUploadJobInput!) {
      startUploadJob(input: $input) { uploadJob { uuid } userErrors { message } }
    }`,
    {
      input: {
        folderUuid: folder,
        items: { any: targets.map(({ itemUuid }) => ({ placeholderUuid: itemUuid })) },
      },
    },
  );
  await watch(
    "subscription ($uuid: UUID!) { uploadJobUpdated(uuid: $uuid) { status unitsDoneCount } }",
    startUploadJob.uploadJob,
    ({ uploadJobUpdated: { status, unitsDoneCount } }) => {
      byId("status").textContent = `${status}: ${unitsDoneCount}`;
    },
  );
  await openFolder(folder);
}

byId("files").onchange = ({ target }) => uploadAll([...target.files]);
await showFolders(byId("tree"));
