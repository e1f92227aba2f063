"""Metrics of communities: results of tests next to the data that they were made with."""

import asyncio
from typing import Any
from uuid import uuid4

import pytest

from tests.fixtures.communities import create_community, set_role
from tests.fixtures.dumps import assert_unchanged
from tests.fixtures.items import upload_items
from tests.fixtures.sites import UNKNOWN, Site
from tests.fixtures.uploading import File

ADDED = "producer { uuid displayName repository } submission { uuid name } scalarUuids"
TRENDS = """query($by: CommunityKey!, $filter: MetricScalarFilter) {
community(by: $by) { metricProducers(first: 2) { nodes {
displayName repository trends(first: 10) { nodes { metricName unit testItem { uuid } configItem { uuid }
scalars(filter: $filter, first: 20) { totalCount nodes { uuid value submittedAt branch isOfficial } } } } } } } }"""
pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest.fixture
def site(shared_site: Site) -> Site:
    """Site shared by the module; tests use separate communities."""
    return shared_site


def value(number: float, name: str = "error", **more: Any) -> dict[str, Any]:
    """Return a value of a metric."""
    return {"metricName": name, "value": number, **more}


def run_of(community: dict[str, Any], **more: Any) -> dict[str, Any]:
    """Return the input of a run of a producer."""
    return {"communityUuid": community["uuid"], "producer": {"displayName": "nightly"}, **more}


async def add(site: Site, community: dict[str, Any], *values: dict[str, Any], who: str = "admin", **more: Any) -> Any:
    """Add values to a community."""
    return await site.done("addMetricScalars", run_of(community, scalars=list(values), **more), ADDED, who)


async def trends(site: Site, community: dict[str, Any], who: str = "admin", **filter: Any) -> list[dict[str, Any]]:
    """Return the trends of the only producer of a community."""
    variables = {"by": {"uuid": community["uuid"]}, "filter": filter or None}
    shown = (await site.ask(TRENDS, variables, who))["community"]
    [producer] = shown["metricProducers"]["nodes"]
    nodes: list[dict[str, Any]] = producer["trends"]["nodes"]
    return nodes


def numbers(trend: dict[str, Any]) -> list[float]:
    """Return the values of a trend, the newest first."""
    assert trend["scalars"]["totalCount"] == len(trend["scalars"]["nodes"])
    return [node["value"] for node in trend["scalars"]["nodes"]]


async def test_values_are_kept_by_producer_and_trend(site: Site) -> None:
    """All of these are created as needed; the same name in another unit is another trend (MID-MOD-10)."""
    lab, uuid = await create_community(site), str(uuid4())
    producer = {"displayName": "nightly", "repository": "https://code.example/tool"}
    days = [f"2026-01-0{day}T00:00:00Z" for day in (1, 2, 3)]
    first = await add(
        site,
        lab,
        value(0.5, submittedAt=days[0], branch="main"),
        value(0.25, submittedAt=days[1], branch="fix"),
        value(7, name="duration", unit="s"),
        producer=producer,
        submission={"uuid": uuid, "name": "run 1"},
    )
    assert (first["producer"]["repository"], first["submission"]) == (
        producer["repository"],
        {"uuid": uuid, "name": "run 1"},
    )
    second = await add(site, lab, value(0.75, submittedAt=days[2]), value(7000, name="duration", unit="ms"))
    assert second["producer"] == first["producer"] and second["submission"] is None
    shown = {(trend["metricName"], trend["unit"]): trend for trend in await trends(site, lab)}
    assert {key: numbers(trend) for key, trend in shown.items()} == {
        ("error", ""): [0.75, 0.25, 0.5],
        ("duration", "s"): [7.0],
        ("duration", "ms"): [7000.0],
    }
    for filter, expected in (
        ({"from": days[1]}, [0.75, 0.25]),
        ({"to": days[1]}, [0.5]),
        ({"branch": "fix"}, [0.25]),
        ({"isOfficial": False}, []),
    ):
        [found] = [trend for trend in await trends(site, lab, **filter) if trend["metricName"] == "error"]
        assert numbers(found) == expected, filter


async def test_a_submission_collects_values(site: Site) -> None:
    """By its UUID, within one community (MID-MOD-09)."""
    lab, other, uuid = await create_community(site), await create_community(site), str(uuid4())
    for number in (1, 2):
        await add(site, lab, value(number), submission={"uuid": uuid, "name": f"name {number}"})
    shown = await site.see("metricSubmission", uuid, "name community { uuid } user { email } scalars { totalCount }")
    assert (shown["name"], shown["community"], shown["scalars"]) == ("name 1", {"uuid": lab["uuid"]}, {"totalCount": 2})
    async with assert_unchanged(site):
        taken = run_of(other, scalars=[value(1)], submission={"uuid": uuid})
        assert await site.refused("addMetricScalars", taken) == [("CONFLICT", "input.submission.uuid")]
    assert await site.see("metricSubmission", uuid, "name", await site.newcomer()) is None


async def test_the_same_request_adds_once(site: Site) -> None:
    lab = await create_community(site)
    key = {"idempotencyKey": str(uuid4())}
    again = await asyncio.gather(*(add(site, lab, value(1), **key) for _ in range(3)))
    assert again[0] == again[1] == again[2]
    assert [numbers(trend) for trend in await trends(site, lab)] == [[1.0]]
    many = await asyncio.gather(*(add(site, lab, value(number)) for number in range(2, 6)))
    assert len({each["producer"]["uuid"] for each in many}) == 1
    assert sorted(numbers((await trends(site, lab))[0])) == [1.0, 2.0, 3.0, 4.0, 5.0]


async def test_numbers_of_a_document_are_imported(site: Site) -> None:
    """Those under the parent keys, at any depth; what is no number is passed over (MID-MOD-11)."""
    lab = await create_community(site)
    results = {"scores": {"dice": 0.9, "by label": {"1": 0.8}, "note": "fine", "ok": True}, "seconds": 12}
    document = run_of(lab, results=results, parentKeys=["scores"], branch="main", revision="abc")
    imported = await site.done("importMetricResults", document, "scalarUuids")
    assert len(imported["scalarUuids"]) == 2
    shown = {trend["metricName"]: numbers(trend) for trend in await trends(site, lab)}
    assert shown == {"scores/dice": [0.9], "scores/by label/1": [0.8]}
    await site.done("importMetricResults", run_of(lab, results=results), "scalarUuids")
    shown = {trend["metricName"]: numbers(trend) for trend in await trends(site, lab)}
    assert shown == {"scores/dice": [0.9, 0.9], "scores/by label/1": [0.8, 0.8], "seconds": [12.0]}
    async with assert_unchanged(site):
        for wrong, code, path in (
            ({"results": [1]}, "BAD_USER_INPUT", "results"),
            ({"results": {"a": "b"}}, "BAD_USER_INPUT", "results"),
            ({"results": {str(number): number for number in range(1001)}}, "LIMIT_EXCEEDED", "results"),
            ({"results": results, "parentKeys": ["scores", "none"]}, "BAD_USER_INPUT", "parentKeys.1"),
            ({"results": results, "parentKeys": []}, "BAD_USER_INPUT", "parentKeys"),
        ):
            assert await site.refused("importMetricResults", run_of(lab, **wrong)) == [(code, f"input.{path}")]
    for no_object in ([1, 2], [], 0, ""):
        [error] = (await site.do("importMetricResults", run_of(lab, results=no_object), ""))["userErrors"]
        assert error["message"] == "results must be a JSON object."


async def test_bad_values_are_refused_with_all_others(site: Site) -> None:
    """Not a number and infinity are no values at all."""
    lab = await create_community(site)
    long = "x" * 1001
    async with assert_unchanged(site):
        for wrong, code, path in (
            (value(1, name=""), "BAD_USER_INPUT", "metricName"),
            (value(1, branch=long), "BAD_USER_INPUT", "branch"),
            (value(1, unit=long), "BAD_USER_INPUT", "unit"),
            (value(1, parameters=[1]), "BAD_USER_INPUT", "parameters"),
            (value(1, parameters={"a": "x" * 65_536}), "LIMIT_EXCEEDED", "parameters"),
            (value(1, links=[{"label": "a", "url": "javascript:alert(1)"}]), "BAD_USER_INPUT", "links.0.url"),
            (value(1, testItemUuid=UNKNOWN), "NOT_FOUND", "testItemUuid"),
        ):
            refusal = await site.refused("addMetricScalars", run_of(lab, scalars=[value(1), wrong]))
            assert refusal == [(code, f"input.scalars.1.{path}")]
        for count, code in ((0, "BAD_USER_INPUT"), (1001, "LIMIT_EXCEEDED")):
            refusal = await site.refused("addMetricScalars", run_of(lab, scalars=[value(1)] * count))
            assert refusal == [(code, "input.scalars")]
    for literal in ("1e999", "-1e999"):
        document = (
            'mutation($uuid: UUID!) { addMetricScalars(input: {communityUuid: $uuid, producer: {displayName: "p"}, '
        )
        document += f'scalars: [{{metricName: "m", value: {literal}}}]}}) {{ userErrors {{ code path }} }} }}'
        async with assert_unchanged(site):
            answer = await site.body(document, {"uuid": lab["uuid"]})
        assert "errors" in answer or answer["data"]["addMetricScalars"]["userErrors"], answer


async def test_unofficial_values_are_seen_by_their_user_alone(site: Site) -> None:
    """Not even by site admins; values of private communities by members, who add them from USER on."""
    lab = await create_community(site)
    helper, reader, outsider = [await site.newcomer() for _ in range(3)]
    await set_role(site, lab["uuid"], helper, "USER")
    await set_role(site, lab["uuid"], reader, "VIEWER")
    await add(site, lab, value(1), value(2, isOfficial=False), who=helper)
    node = "query($ids: [ID!]!) { nodes(ids: $ids) { ... on MetricScalar { value } } }"
    await add(site, lab, value(3))
    for who, expected in ((helper, [1.0, 2.0, 3.0]), (reader, [1.0, 3.0]), ("admin", [1.0, 3.0])):
        [trend] = await trends(site, lab, who)
        assert sorted(numbers(trend)) == expected, who
    payload = run_of(lab, scalars=[value(4, isOfficial=False)])
    own = await site.done("addMetricScalars", payload, "scalarIds", helper)
    assert await site.ask(node, {"ids": own["scalarIds"]}, helper) == {"nodes": [{"value": 4.0}]}
    for who in (reader, "admin", outsider):
        assert await site.ask(node, {"ids": own["scalarIds"]}, who) == {"nodes": [None]}
    async with assert_unchanged(site):
        for who, code in ((reader, "FORBIDDEN"), (outsider, "NOT_FOUND")):
            refusal = await site.refused("addMetricScalars", run_of(lab, scalars=[value(1)]), who)
            assert refusal == [(code, "input.communityUuid")]


async def test_items_are_linked_and_shown_to_those_who_see_them(site: Site) -> None:
    """Twice is once, and they go with the item (MID-MOD-08)."""
    lab, hidden = await create_community(site), await site.folder("hidden")
    [plot] = await upload_items(site, hidden, [File("plot", "PLAIN_TEXT", b"plot")])
    reader = await site.newcomer()
    await set_role(site, lab["uuid"], reader, "USER")
    scalar = (await add(site, lab, value(1, testItemUuid=plot)))["scalarUuids"][0]
    link = {"scalarUuid": scalar, "itemUuid": plot, "label": "plot"}
    links = [await site.done("linkItemToMetric", link, "link { id label item { uuid } }") for _ in range(2)]
    assert links[0] == links[1] and links[0]["link"]["item"] == {"uuid": plot}
    shown = await site.see(
        "storageItem", plot, "metricLinks { totalCount nodes { label scalar { value items { totalCount } } } }"
    )
    assert shown["metricLinks"]["nodes"] == [{"label": "plot", "scalar": {"value": 1.0, "items": {"totalCount": 1}}}]
    [trend] = await trends(site, lab, reader)
    assert trend["testItem"] is None
    async with assert_unchanged(site):
        assert await site.refused("linkItemToMetric", link, reader) == [("NOT_FOUND", "input.itemUuid")]
        unknown = {**link, "scalarUuid": UNKNOWN}
        assert await site.refused("linkItemToMetric", unknown) == [("NOT_FOUND", "input.scalarUuid")]
    await site.done("deleteStorageItems", {"itemUuids": [plot]}, "results { uuid }")
    [trend] = await trends(site, lab)
    assert (numbers(trend), trend["testItem"]) == ([1.0], None)
    again = await add(site, lab, value(2))
    assert again["scalarUuids"]
    assert sorted(map(len, map(numbers, await trends(site, lab)))) == [1, 1]


async def test_results_go_with_their_community(site: Site) -> None:
    lab, uuid = await create_community(site), str(uuid4())
    await add(site, lab, value(1), submission={"uuid": uuid})
    await site.done("deleteCommunity", {"communityUuid": lab["uuid"]}, "communityUuid")
    assert await site.see("metricSubmission", uuid, "name") is None
    other = await create_community(site)
    await add(site, other, value(1), submission={"uuid": uuid})
