"""Events: notification of subscriptions when something they watch has changed.

- `base`: the port; `open` chooses an adapter
- `local`: within one process, for SQLite
- `postgres`, `channel`: between processes, by LISTEN and NOTIFY
- `listeners`: listeners of this process, by topic
- `streams`: one reader, and one computation per row, for all followers of the same stream
"""
