"""Access is attacked: after random changes of random trees, everyone sees what the model says they should.

Public folders, private ones inside them, masked ones, grants, shares, deletions, and credentials that are limited to a
tree or that are none.
"""

from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from random import Random

import pytest

from tests.access.actions import ADMIN, Actor
from tests.access.model import Person, World
from tests.access.observed import check, check_paths, paths_of
from tests.fixtures.narrow_viewers import force_plan
from tests.fixtures.sites import Site, fresh_settings, serve_site

GROUPS = ("red", "blue")


@pytest.fixture(params=["embedded", "scaled"])
async def actor(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Actor]:
    """Someone who changes a fresh site that is read without a credential, and that has two groups."""
    with fresh_settings(request.param, request, tmp_path, anonymous="read") as settings:
        async with serve_site(settings) as site:
            groups = {name: await site.group(name) for name in GROUPS}
            yield Actor(site, World(), Random(), groups)


async def people(site: Site, world: World, groups: dict[str, str], rng: Random) -> list[Person]:
    """Create those who look: two of them with a key that is limited to a folder."""
    found = [Person("admin", frozenset({ADMIN}), is_admin=True), Person(None), Person(await site.newcomer())]
    for name in GROUPS:
        found.append(Person(await site.newcomer(groups[name]), frozenset({name})))
    both = await site.newcomer(*groups.values())
    found.append(Person(both, frozenset(GROUPS)))
    for owner in (found[0], found[-1]):
        tree = rng.choice([uuid for uuid in world.folders if world.sees(owner, uuid)] or [None])
        if tree is not None:
            who = f"{owner.who} in a tree"
            given = {"name": "limited", "folderUuid": tree}
            site.keys[who] = (await site.done("createApiKey", given, "token", owner.who or ""))["token"]
            found.append(replace(owner, who=who, tree=tree))
    return found


@pytest.mark.parametrize(("seed", "plan"), [(1, "narrow"), (2, "wide")])
async def test_everyone_sees_what_the_model_says(
    actor: Actor, seed: int, plan: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    force_plan(monkeypatch, plan)
    site = actor.site
    actor.rng = Random(seed)
    await actor.build()
    await actor.act(10)
    viewers = await people(site, actor.world, actor.groups, actor.rng)
    for _ in range(5):
        await actor.act(5)
        for viewer in viewers:
            await check(site, actor.world, viewer)
    everything = await paths_of(site, actor.world, viewers[0])
    for viewer in viewers[1:]:
        await check_paths(site, actor.world, viewer, everything)
        await paths_of(site, actor.world, viewer)
