"""Query plans of the documents that frontends send: none reads or sorts a whole table of the site."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from gateway.context import Services
from gateway.models.changes import changes
from gateway.models.datasets import data_rows
from gateway.models.folders import folders
from gateway.models.items import items
from tests.fixtures.sized_sites import DOCUMENTS, add_jobs_and_community, filled_site, statements_of, variables_of
from tests.fixtures.work import plan_of, work_of
from tests.speed.history import add_changes

SIZE, PER_FOLDER = 40_000, 5
TABLES = [items, folders, changes, data_rows]
PARTIAL = {
    index.name
    for table in TABLES
    for index in table.indexes
    if index.dialect_options["sqlite"].get("where") is not None
}
"""Indexes that do not have all rows of their tables."""
LEAST_STEPS = 3
"""Steps that SQLite takes to read a row."""
EXCEPTIONS = {
    "sqlite": {
        "advanced_search": "facets count all that match, and then sort their values",
        "last_names": "walks names from the end, and then sorts those with the text",
    },
    "postgresql": {
        "descendants": "walks the folders of the site by name until enough are below the folder",
        "recent_edits": "collects the items of all data rows, to test whether those of a walk are in a dataset",
    },
}
"""Documents that read or sort most of a table, and why."""


def faults_of_served(node: dict[str, Any], rows: dict[str, int]) -> Iterator[str]:
    """Yield the scans that read most rows of a table, and the sorts of as many, in a plan of PostgreSQL."""
    for below in node.get("Plans", []):
        yield from faults_of_served(below, rows)
    table, kind = node.get("Relation Name"), node["Node Type"]
    read = node["Actual Rows"] + node.get("Rows Removed by Filter", 0)
    if table in rows and read > rows[table] / 2:
        yield f"{kind} of {read:g} rows of {table}"
    if "Sort" in kind:
        below = next(each for each in node["Plans"] if each["Parent Relationship"] == "Outer")
        for name in tables_below(node):
            if name in rows and below["Actual Rows"] > rows[name] / 2:
                yield f"{kind} of {below['Actual Rows']:g} rows of {name}"


def tables_below(node: dict[str, Any]) -> set[str]:
    own = {node["Relation Name"]} if "Relation Name" in node else set()
    return own.union(*map(tables_below, node.get("Plans", [])))


def faults_of_embedded(plan: list[str], statement: str, steps: int, rows: dict[str, int]) -> Iterator[str]:
    """Yield the scans and sorts in a plan of SQLite, unless they take too few steps to be of a whole table."""
    aliases = {name: name for name in rows}
    aliases |= {alias: name for name, alias in re.findall(r"\b(\w+) AS (\w+)", statement) if name in rows}
    for line in plan:
        scan = re.match(r"SCAN (\w+)(?: USING (?:COVERING )?INDEX (\w+))?", line)
        table = aliases.get(scan[1]) if scan and scan[2] not in PARTIAL else None
        is_bare = scan is not None and scan[2] is None
        is_whole = table and (is_bare or steps > LEAST_STEPS * rows[table])
        is_sort = "TEMP B-TREE" in line and steps > LEAST_STEPS * rows["items"]
        if is_whole or is_sort:
            yield f"{line} ({steps} steps)"


async def faults_by_document(services: Services) -> dict[str, list[str]]:
    database = services.database
    variables = await variables_of(database)
    async with database.reading() as connection:
        counts = {table.name: sa.select(sa.func.count()).select_from(table) for table in TABLES}
        rows = {name: (await connection.execute(count)).scalar_one() for name, count in counts.items()}
    assert min(rows.values()) > 500, rows
    found = {}
    for name, text in DOCUMENTS.items():
        given = {key: value for key, value in variables.items() if f"${key}:" in text}
        faults: list[str] = []
        for statement, parameters in await statements_of(services, text, given):
            plan = await plan_of(database, statement, parameters)
            if isinstance(plan, dict):
                faults += faults_of_served(plan, rows)
            else:
                steps = await work_of(database, statement, parameters)
                faults += faults_of_embedded(plan, statement, steps, rows)
        if faults:
            found[name] = faults
    return found


@pytest.mark.parametrize("kind", ["embedded", "scaled"])
async def test_no_document_reads_or_sorts_a_whole_table(
    kind: str, request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    async with filled_site(kind, SIZE, request, tmp_path / "site", PER_FOLDER) as services:
        async with services.database.writing() as transaction:
            await add_changes(transaction)
        await add_jobs_and_community(services.database)
        found = await faults_by_document(services)
    for name, faults in found.items():
        print(name, *faults, sep="\n    ")
    excepted = EXCEPTIONS[services.database.dialect]
    assert found.keys() <= excepted.keys(), {name: found[name] for name in found.keys() - excepted.keys()}
