"""Both executors answer searches over several types, queries, and entries of metadata with the same bytes."""

import orjson

from tests.execution.world import Both

DOCUMENT = """query($items: [UUID!]!) {
  storageItems(uuids: $items) { ... on StorageItem {
    metadata { key element qualifier type value } first: metadata(revision: 1) { key value }
    seventh: metadata(revision: 7) { key } } }
  metadataVocabulary { key element qualifier type }
  search(text: "a") {
    totalCount pageInfo { hasNextPage endCursor } edges { cursor node { ... on Node { id } } }
    nodes { __typename ... on StorageFolder { name } ... on StorageItem { name metadata { value } folder { name } }
      ... on Community { name folder { uuid } } ... on User { email } } }
  searchStorageItemsAdvanced(query: "a OR type:IMAGE", first: 5) { totalCount nodes { name metadata { key } } } }"""


async def test_both_executors_answer_alike(pair: Both) -> None:
    variables = {"items": [str(uuid) for uuid in pair.world.items[:6]]}
    for viewer in pair.world.viewers:
        compiled, interpreted = await pair.bodies(DOCUMENT, variables, viewer)
        assert compiled == interpreted
        assert "errors" not in orjson.loads(interpreted), interpreted
    assert set(pair.compiled.outcomes) == {"compiled"}, pair.compiled.reasons
