// PostGraphile 5 (Amber preset) as it makes a schema of our tables by itself.
import { createServer } from 'node:http'
import { postgraphile } from 'postgraphile'
import { makePgService } from 'postgraphile/adaptors/pg'
import { grafserv } from 'postgraphile/grafserv/node'
import { PostGraphileAmberPreset } from 'postgraphile/presets/amber'
import { makeV4Preset } from 'postgraphile/presets/v4'

const preset = {
  extends: [PostGraphileAmberPreset, makeV4Preset({ dynamicJson: true, graphiql: false, simpleCollections: 'both' })],
  pgServices: [
    makePgService({
      connectionString: process.env.STOREGRAPH_DATABASE_URL,
      schemas: ['public'],
      poolConfig: { max: 8 },
    }),
  ],
  grafserv: { graphqlPath: '/graphql', websockets: false, graphiql: false },
  grafast: { explain: false },
}
const server = createServer()
await postgraphile(preset).createServ(grafserv).addTo(server)
server.listen(Number(process.argv[2]), '127.0.0.1')
