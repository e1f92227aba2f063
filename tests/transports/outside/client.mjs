// Lets the graphql-ws client run each kind of operation on one socket; prints what it saw as one JSON object.
import { createClient } from "graphql-ws";
import WebSocket from "ws";

const [url, authorization] = process.argv.slice(2);
const closed = [];
const client = createClient({
  url,
  webSocketImpl: WebSocket,
  connectionParams: { authorization },
  lazy: false,
  retryAttempts: 0,
  on: { closed: (event) => closed.push(event.code) },
});

async function run(payload) {
  const seen = [];
  try {
    for await (const result of client.iterate(payload)) seen.push(result);
  } catch (errors) {
    seen.push({ refused: [].concat(errors).map((error) => error.extensions?.code ?? String(error)) });
  }
  return seen;
}

const long = run({ query: "subscription { events(steps: 4, pause: 0.2) { number } }" });
const seen = {
  query: await run({ query: "{ hello }" }),
  mutation: await run({ query: "mutation ($n: String!) { rename(input: {name: $n}) }", variables: { n: "x" } }),
  subscription: await run({ query: "subscription { events(steps: 2) { number } }" }),
  syntax: await run({ query: "{" }),
  validation: await run({ query: "{ missing }" }),
  resolution: await run({ query: "query A { hello }", operationName: "B" }),
  long: await long,
};
const closedBefore = [...closed];
await client.dispose();
console.log(JSON.stringify({ ...seen, closedBefore }));
