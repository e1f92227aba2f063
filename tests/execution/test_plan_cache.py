"""Caches of plans and statements stay within their limits."""

from gateway.execution.cache import Cache
from tests.execution.world import Both


def test_recent_entries_stay_within_both_limits() -> None:
    cache: Cache[str] = Cache(entries=3, size=100)
    for name in "abcd":
        cache.put(name, name, 20)
    assert [cache.get(name) for name in "abcd"] == [None, "b", "c", "d"]
    cache.get("b")
    cache.put("e", "e", 20)
    assert cache.get("c") is None
    assert cache.get("b") == "b"
    cache.put("large", "large", 26)
    assert cache.get("large") is None, "a value may use a quarter of the memory"
    for number in range(50):
        cache.put(number, "x", 25)
    assert len(cache) <= 3
    assert cache.memory <= 100


async def test_one_plan_serves_all_values_of_variables_except_in_directives(pair: Both) -> None:
    text = (
        "query($u: UUID!, $n: Int, $b: Boolean!) "
        "{ storageFolder(uuid: $u) { name @skip(if: $b) items(first: $n) { totalCount } } }"
    )
    for number in range(6):
        variables = {"u": str(pair.world.folders[number]), "n": number + 1, "b": number % 2 == 0}
        quick, slow = await pair.bodies(text, variables, "member")
        assert quick == slow
    assert len(pair.compiled.plans) == 2


async def test_hostile_documents_do_not_fill_memory(pair: Both) -> None:
    for number in range(60):
        await pair.bodies(
            f'{{ a{number}: searchStorageItems(filter: {{search: "{number:03}"}}) {{ totalCount }} }}', {}, "stranger"
        )
    assert pair.compiled.plans.memory < 60 * 40_000
    assert pair.compiled.statements.memory < 60 * 10_000
