"""What is kept of plans and statements stays within its bounds."""

from gateway.execution.cache import Cache
from tests.execution.world import Both


def test_the_latest_are_kept_within_both_bounds() -> None:
    kept: Cache[str] = Cache(entries=3, size=100)
    for name in "abcd":
        kept.put(name, name, 20)
    assert [kept.get(name) for name in "abcd"] == [None, "b", "c", "d"]
    kept.get("b")
    kept.put("e", "e", 20)
    assert kept.get("c") is None
    assert kept.get("b") == "b"
    kept.put("large", "large", 26)
    assert kept.get("large") is None, "a value may take a quarter of the room"
    for number in range(50):
        kept.put(number, "x", 25)
    assert len(kept) <= 3
    assert kept.memory <= 100


async def test_one_plan_serves_all_values_of_variables_but_those_of_directives(pair: Both) -> None:
    text = (
        "query($u: UUID!, $n: Int, $b: Boolean!) "
        "{ storageFolder(uuid: $u) { name @skip(if: $b) items(first: $n) { totalCount } } }"
    )
    for number in range(6):
        variables = {"u": str(pair.world.folders[number]), "n": number + 1, "b": number % 2 == 0}
        quick, slow = await pair.bodies(text, variables, "member")
        assert quick == slow
    assert len(pair.compiled.plans) == 2


async def test_hostile_documents_do_not_fill_the_memory(pair: Both) -> None:
    for number in range(60):
        await pair.bodies(
            f'{{ a{number}: searchStorageItems(filter: {{search: "{number:03}"}}) {{ totalCount }} }}', {}, "stranger"
        )
    assert pair.compiled.plans.memory < 60 * 40_000
    assert pair.compiled.statements.memory < 60 * 10_000
