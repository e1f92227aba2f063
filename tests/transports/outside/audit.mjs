// Runs every audit of graphql-http against a URL; prints one JSON line of {name, status, reason} for each.
import { serverAudits } from "graphql-http";

const [url, authorization] = process.argv.slice(2);
const fetchFn = (input, init = {}) => fetch(input, { ...init, headers: { authorization, ...init.headers } });
for (const audit of serverAudits({ url, fetchFn })) {
  const { status, reason } = await audit.fn();
  console.log(JSON.stringify({ name: audit.name, status, reason }));
}
