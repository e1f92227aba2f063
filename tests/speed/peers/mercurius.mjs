// Mercurius on Fastify with graphql-jit: its batch loaders over pg, every statement written by hand and prepared once.
// It does what ours does: the check of the credential, remembered for 3 seconds, and the same conditions of access.
import { createHash } from 'node:crypto'
import Fastify from 'fastify'
import { GraphQLScalarType } from 'graphql'
import mercurius from 'mercurius'
import pg from 'pg'

const plain = (text) => text
for (const type of [pg.types.builtins.UUID, pg.types.builtins.TIMESTAMPTZ]) pg.types.setTypeParser(type, plain)
pg.types.setTypeParser(pg.types.builtins.INT8, Number)
const pool = new pg.Pool({
  connectionString: process.env.STOREGRAPH_DATABASE_URL,
  options: '-c TimeZone=UTC -c DateStyle=ISO',
  max: 8,
})
const rows = (name, text, values) => pool.query({ name, text, values }).then((result) => result.rows)

const held = (grant) =>
  `(${grant}.user_uuid = $1 OR ${grant}.group_uuid IN (SELECT m.group_uuid FROM memberships m WHERE m.user_uuid = $1))`
const sees = `EXISTS (SELECT 1 FROM folder_grants g JOIN folders t ON t.uuid = g.folder_uuid
  WHERE ${held('g')} AND f.path >= t.path AND f.path < t.path || 'g')`
const isRoot = `f.uuid IN (SELECT g.folder_uuid FROM folder_grants g WHERE ${held('g')})
  AND NOT EXISTS (SELECT 1 FROM folder_grants a JOIN folders t ON t.uuid = a.folder_uuid
  WHERE ${held('a')} AND f.path >= t.path AND f.path < t.path || 'g' AND t.uuid <> f.uuid)`

const snake = (name) => name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`)
const select = (names) => names.map((name) => `x.${snake(name)} AS "${name}"`).join(', ')
const FOLDER = ['uuid', 'parentUuid', 'name', 'description', 'createdAt', 'folderType']
const ITEM = {
  uuid: 'UUID!', name: 'String!', description: 'String!', itemType: 'String!', createdAt: 'DateTime!',
  lastEditedAt: 'DateTime!', isTombstone: 'Boolean!', isPlaceholder: 'Boolean!', storageLocation: 'String!',
  fileSize: 'BigInt', mimeType: 'String', sha256: 'String', duration: 'Float', width: 'BigInt', height: 'BigInt',
  fps: 'Float', frameCount: 'BigInt', url: 'String', folderUuid: 'UUID!', clientMetadata: 'JSON!',
}
const schema = `
  scalar UUID scalar DateTime scalar BigInt scalar JSON
  type Summary { frameInGroups: Int! usedInDatasets: Int! }
  type Folders { nodes: [Folder!]! }
  type Items { nodes: [Item!]! }
  type Folder {
    uuid: UUID! name: String! description: String! createdAt: DateTime! folderType: String!
    subfolders(first: Int = 100): Folders! items(first: Int = 100): Items!
  }
  type Item { ${Object.entries(ITEM).map(([name, type]) => `${name}: ${type}`).join(' ')} folder: Folder! summary: Summary! }
  type Query {
    storageFolder(uuid: UUID!): Folder
    storageFolders(first: Int = 100): Folders!
  }`

const moment = (text) =>
  text[19] === '.' ? `${text.slice(0, 10)}T${text.slice(11, -3).padEnd(15, '0')}Z` : `${text.slice(0, 10)}T${text.slice(11, 19)}Z`
const scalar = (name, serialize) => new GraphQLScalarType({ name, serialize })

const pages = (name, names, table, parent, there) => async (asked) => {
  const keys = asked.map((one) => one.obj.uuid)
  const found = new Map(keys.map((key) => [key, []]))
  const page = `SELECT ${select(names)} FROM ${table} x WHERE x.${snake(parent)} = p.value AND ${there}
    ORDER BY x.name_key, x.uuid LIMIT $2`
  const text = `SELECT y.* FROM unnest($1::uuid[]) p(value) CROSS JOIN LATERAL (${page}) y`
  for (const row of await rows(name, text, [keys, asked[0].params.first])) found.get(row[parent]).push(row)
  return keys.map((key) => ({ nodes: found.get(key) }))
}

const counts = async (name, table, column, keys) => {
  const text = `SELECT item_uuid, count(DISTINCT ${column})::int AS number FROM ${table}
    WHERE item_uuid = ANY($1::uuid[]) GROUP BY item_uuid`
  return new Map((await rows(name, text, [keys])).map((row) => [row.item_uuid, row.number]))
}

const without = { opts: { cache: false } }
const loaders = {
  Folder: {
    subfolders: { loader: pages('subfolders', FOLDER, 'folders', 'parentUuid', 'true'), ...without },
    items: { loader: pages('items', Object.keys(ITEM), 'items', 'folderUuid', 'NOT x.is_tombstone AND NOT x.is_placeholder'), ...without },
  },
  Item: {
    folder: {
      async loader (asked) {
        const keys = [...new Set(asked.map((one) => one.obj.folderUuid))]
        const text = `SELECT ${select(FOLDER)} FROM folders x WHERE x.uuid = ANY($1::uuid[])`
        const found = new Map((await rows('folders', text, [keys])).map((row) => [row.uuid, row]))
        return asked.map((one) => found.get(one.obj.folderUuid))
      },
      ...without,
    },
    summary: {
      async loader (asked) {
        const keys = asked.map((one) => one.obj.uuid)
        const [groups, datasets] = await Promise.all([
          counts('groups', 'group_members', 'group_uuid', keys),
          counts('datasets', 'data_rows', 'dataset_uuid', keys),
        ])
        return keys.map((key) => ({ frameInGroups: groups.get(key) ?? 0, usedInDatasets: datasets.get(key) ?? 0 }))
      },
      ...without,
    },
  },
}

const folders = select(FOLDER).replaceAll('x.', 'f.')
const resolvers = {
  UUID: scalar('UUID', plain),
  DateTime: scalar('DateTime', moment),
  BigInt: scalar('BigInt', plain),
  JSON: scalar('JSON', plain),
  Query: {
    async storageFolder (_, { uuid }, { viewer }) {
      return (await rows('folder', `SELECT ${folders} FROM folders f WHERE ${sees} AND f.uuid = $2`, [viewer, uuid]))[0]
    },
    async storageFolders (_, { first }, { viewer }) {
      const text = `SELECT ${folders} FROM folders f WHERE ${isRoot} ORDER BY f.name_key, f.uuid LIMIT $2`
      return { nodes: await rows('roots', text, [viewer, first]) }
    },
  },
}

const known = new Map()
async function context (request) {
  const key = createHash('sha256').update(request.headers.authorization.slice('Bearer '.length)).digest('hex')
  const remembered = known.get(key)
  if (remembered && remembered.until > Date.now()) return remembered
  const text = `SELECT u.uuid FROM users u JOIN api_keys k ON k.user_uuid = u.uuid
    WHERE k.sha256 = $1 AND k.revoked_at IS NULL AND u.is_active`
  const [{ uuid }] = await rows('key', text, [key])
  const viewer = { viewer: uuid, until: Date.now() + 3000 }
  known.set(key, viewer)
  return viewer
}

const app = Fastify()
app.register(mercurius, { schema, resolvers, loaders, context, jit: 1, graphiql: false })
app.listen({ port: Number(process.argv[2]), host: '127.0.0.1' })
