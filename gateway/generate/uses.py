"""The datasets of a generated site, and which items they use; a few mirror a folder."""

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from gateway.generate.people import People, Rows
from gateway.generate.rng import Rng
from gateway.kinds.enums import StorageUserRole
from gateway.models.base import fold, new_row
from gateway.models.datasets import (
    DataRowRecord,
    DatasetGrantRecord,
    DatasetRecord,
    data_rows,
    dataset_grants,
    datasets,
)

DATASETS, MIRRORS = 20, 3
_USES = (0, 0, 0, 0, 1, 1, 1, 2, 2, 3)
"""How many datasets use an item: one of these."""


class Uses:
    """Datasets with their data rows."""

    def __init__(self, rng: Rng, people: People, folders: Sequence[UUID]) -> None:
        self._rng = rng
        self._people = people
        self._mirrored = folders[-MIRRORS:]
        self._mirrors: dict[UUID, UUID] = {}
        self._others: list[UUID] = []

    def rows(self) -> Iterator[Rows]:
        """The datasets and who may see them."""
        made = [self._dataset(number) for number in range(DATASETS)]
        self._mirrors = {
            row["backing_folder_uuid"]: row["uuid"] for row in made if row["backing_folder_uuid"]
        }
        self._others = [row["uuid"] for row in made if not row["backing_folder_uuid"]]
        yield datasets, made
        yield dataset_grants, [self._grant(row) for row in made]

    def of(self, items: Sequence[dict[str, Any]]) -> Iterator[Rows]:
        """The data rows of items that lie in one folder."""
        yield (
            data_rows,
            [row for item in items if not item["is_placeholder"] for row in self._of(item)],
        )

    def _of(self, item: dict[str, Any]) -> Iterator[dict[str, Any]]:
        mirror = self._mirrors.get(item["folder_uuid"])
        chosen = self._rng.sample(self._others, self._rng.choice(_USES))
        for dataset in [mirror, *chosen] if mirror else chosen:
            yield self._data_row(dataset, item["uuid"], item["created_at"])

    def _data_row(self, dataset: UUID, item: UUID, moment: datetime) -> dict[str, Any]:
        return new_row(
            DataRowRecord,
            uuid=self._rng.uuid(moment),
            dataset_uuid=dataset,
            item_uuid=item,
            created_at=moment,
        )

    def _dataset(self, number: int) -> dict[str, Any]:
        moment = self._rng.next_moment()
        title = f"Training set {number + 1:02}"
        mirrored = self._mirrored[number] if number < len(self._mirrored) else None
        known = {"title": title, "title_key": fold(title), "backing_folder_uuid": mirrored}
        return new_row(
            DatasetRecord,
            uuid=self._rng.uuid(moment),
            created_at=moment,
            last_edited_at=moment,
            **known,
        )

    def _grant(self, dataset: dict[str, Any]) -> dict[str, Any]:
        moment, group = dataset["created_at"], self._rng.choice(self._people.groups)
        known = {
            "dataset_uuid": dataset["uuid"],
            "group_uuid": group,
            "role": StorageUserRole.VIEWER,
        }
        return new_row(DatasetGrantRecord, uuid=self._rng.uuid(moment), created_at=moment, **known)
