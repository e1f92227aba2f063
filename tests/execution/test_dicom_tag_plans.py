"""Query plans of filters by indexed tags: an index serves each, and no instance or document is read."""

import re
from typing import Any
from uuid import UUID, uuid4

import pytest
import sqlalchemy as sa

from gateway.auth.viewer import Viewer
from gateway.database.engine import Database
from gateway.dicom.indexed_values import ValueKey
from gateway.execution import keysets, statements
from gateway.execution.compiled.statement_cache import StatementCache
from gateway.execution.declarations import EdgeQuery
from gateway.execution.pagination import read_page_arguments
from gateway.kinds.enums import SiteRole
from gateway.models.dicom import dicom_studies
from resolvers.dicom_study_lists import PreparedStudies, visible_studies
from resolvers.dicom_tag_matches import TagSpan
from resolvers.inputs.dicom import DicomStudyFilter
from resolvers.inputs.dicom_tag_matches import DicomTagMatch, DicomTagValueMatch

TAG = UUID(int=7)
TEXT, NUMBER = ValueKey("a"), ValueKey("1.5", 1.5)
BY_KEY, BY_NUMBER = "ix_dicom_tag_values_indexed_tag_uuid_value_key", "ix_dicom_tag_values_indexed_tag_uuid_number"
SPANS = [
    (TagSpan(TAG, TEXT, TEXT, False), BY_KEY),
    (TagSpan(TAG, TEXT, None, False), BY_KEY),
    (TagSpan(TAG, None, TEXT, True), BY_KEY),
    (TagSpan(TAG, NUMBER, NUMBER, False), BY_KEY),
    (TagSpan(TAG, NUMBER, None, False), BY_NUMBER),
    (TagSpan(TAG, None, NUMBER, True), BY_NUMBER),
]


@pytest.mark.parametrize("role", [SiteRole.ADMIN, SiteRole.MEMBER])
async def test_an_index_serves_each_condition(database: Database, role: SiteRole) -> None:
    """Neither instances nor tags are read, also for viewers of a few folders."""
    for span, index in SPANS:
        viewer = Viewer(uuid4(), role)
        filter = DicomStudyFilter(tags=[DicomTagMatch(tag="x", is_=DicomTagValueMatch(value="x"))])
        query = EdgeQuery(viewer, filter, {"folder_uuid": None}, PreparedStudies(False, (span,)))
        request = read_page_arguments(visible_studies, query, {"first": 100})
        columns = [dicom_studies.c.uuid, dicom_studies.c.study_uid]
        statement: sa.Select[Any] = statements.page(visible_studies, query, request, columns, database.dialect, False)
        plan = await plan_of(database, statement, viewer)
        assert index in plan, (span, plan)
        assert not re.search("dicom_instances|dicom_tags|Seq Scan on dicom_tag_values", plan), (span, plan)


async def plan_of(database: Database, statement: sa.Select[Any], viewer: Viewer) -> str:
    """Return the plan that the database makes where whole tables cost too much."""
    compiled = StatementCache(database.sql_dialect).get("search", lambda: statement)
    parameters = compiled.parameters(viewer, {keysets.SIZE: 101})
    async with database.reading() as connection:
        if database.dialect != "sqlite":
            for setting in ("enable_seqscan", "enable_bitmapscan"):
                await connection.exec_driver_sql(f"SET LOCAL {setting} = off")
        explain = "EXPLAIN QUERY PLAN " if database.dialect == "sqlite" else "EXPLAIN "
        rows = (await connection.exec_driver_sql(explain + compiled.sql, parameters)).all()
    return "\n".join(str(row[-1]) for row in rows)
