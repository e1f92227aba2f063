"""Changes to the objects of a site: one module per object, one function per change.

A function takes the transaction of its caller, writes everything that a change must write, and
returns what the caller needs for its answer. Callers check permissions and lock the tree first.
Locks are taken in one order: tree, job, items, stored objects, counters.

- `folders`, `items`, `datasets`, `collections`, `tags`, `metadata_schema`, `integrations`
- `people`, `grants`, `api_keys`, `first_admin`: users, groups, roles and credentials
- `sync_jobs`, `reencoding`: jobs and their units
- `ledger`: what every change must also write
- `rules`: what values may be; pure functions
- `ingestion`: upload jobs, from the placeholder of a file to the finished item
- `mirroring`: how a sync changes a cloud-synced folder

Imports run one way: `mirroring` and `reencoding`, `ingestion`, the other modules, `ledger`,
`rules`.
"""
