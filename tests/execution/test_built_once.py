"""Statements are built once: a second request of a document finds all of them compiled."""

from collections import Counter
from typing import Any

import pytest
import sqlalchemy as sa

from gateway.execution.operations import Operations
from gateway.limits import Limits
from schema.api import api
from tests.execution.test_same import variables_of
from tests.execution.world import Both
from tests.house.sources import ROOT

FOLDERS = ROOT / "tests" / "queries", ROOT / "tests" / "speed" / "documents"
DOCUMENTS = sorted(path for folder in FOLDERS for path in folder.glob("*.graphql"))
BUILT_ANEW: dict[str, str] = {
    "dicom_metadata": "reads binary documents, which readers without SQLAlchemy do not convert",
    "dicom_tags": "likewise",
    "metadata_entries": "reads the declared keys as transactions do",
    "download_manifest": "reads the folders of a tree part by part, as many as fill the page",
}
"""Documents with statements that are built for each request, and why."""


async def test_documents_are_answered_by_plans_whose_statements_are_kept(
    pair: Both, monkeypatch: pytest.MonkeyPatch
) -> None:
    built: Counter[str] = Counter()
    operations = Operations(api, Limits(), pair.compiled)
    initialise = sa.Select.__init__
    for document in DOCUMENTS:
        text = document.read_text()
        for variables in variables_of(text, pair.world):
            for viewer in ("admin", "member"):
                await pair.body(text, variables, viewer, operations)

                def count(self: Any, *entities: Any, name: str = document.stem) -> None:
                    built[name] += 1
                    initialise(self, *entities)

                with monkeypatch.context() as patch:
                    patch.setattr(sa.Select, "__init__", count)
                    await pair.body(text, variables, viewer, operations)
    assert set(pair.compiled.outcomes) == {"compiled"}, pair.compiled.reasons
    assert set(built) == set(BUILT_ANEW), built
