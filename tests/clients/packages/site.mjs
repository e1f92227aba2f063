// What all clients share: the site's address, its credential, requests without a client, and a socket.
import { createClient } from "graphql-ws";
import WebSocket from "ws";

export const [url, key, folder] = process.argv.slice(2);
export const headers = { authorization: `Bearer ${key}` };

export async function ask(query, variables = {}) {
  const body = JSON.stringify({ query, variables });
  const answer = await fetch(url, { method: "POST", headers: { ...headers, "content-type": "application/json" }, body });
  const { data, errors } = await answer.json();
  if (errors) throw new Error(JSON.stringify(errors));
  return data;
}

export function openSocket(options = {}) {
  const address = url.replace("http", "ws");
  return createClient({ url: address, webSocketImpl: WebSocket, connectionParams: headers, ...options });
}

export async function until(condition, seconds = 20) {
  const end = Date.now() + seconds * 1000;
  while (!condition()) {
    if (Date.now() > end) throw new Error(`waited in vain for ${condition}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

export function report(seen) {
  console.log(JSON.stringify(seen));
  process.exit(0);
}
