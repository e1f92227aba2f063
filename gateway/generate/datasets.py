"""The datasets of a generated site and the items they use; a few mirror a folder."""

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any
from uuid import UUID

from gateway.generate.people import People, TableRows
from gateway.generate.rng import Rng
from gateway.kinds.enums import StorageLocationName, StorageUserRole
from gateway.models.base import fold, new_row
from gateway.models.datasets import (
    DataRowRecord,
    DatasetCountersRecord,
    DatasetGrantRecord,
    DatasetRecord,
    data_rows,
    dataset_counters,
    dataset_grants,
    datasets,
)

DATASETS, MIRRORS = 20, 3
_USES = (0, 0, 0, 0, 1, 1, 1, 2, 2, 3)
"""Numbers of datasets that use an item, besides a mirror dataset; each is equally likely."""


class DatasetGenerator:
    """Datasets and their data rows. The first few mirror the last folders."""

    def __init__(self, rng: Rng, people: People, folders: Sequence[UUID]) -> None:
        self._rng = rng
        self._people = people
        self._mirrored = folders[-MIRRORS:]
        self._mirrors: dict[UUID, UUID] = {}
        self._others: list[UUID] = []
        self._counts = Counter[tuple[UUID, StorageLocationName]]()

    def rows(self) -> Iterator[TableRows]:
        """Yield the datasets and the roles on them."""
        dataset_rows = []
        for number in range(DATASETS):
            moment = self._rng.next_moment()
            title = f"Training set {number + 1:02}"
            mirrored = self._mirrored[number] if number < len(self._mirrored) else None
            row = new_row(
                DatasetRecord,
                uuid=self._rng.uuid(moment),
                title=title,
                title_key=fold(title),
                backing_folder_uuid=mirrored,
                created_at=moment,
                last_edited_at=moment,
            )
            dataset_rows.append(row)
            if mirrored:
                self._mirrors[mirrored] = row["uuid"]
            else:
                self._others.append(row["uuid"])
        yield datasets, dataset_rows
        yield (
            dataset_grants,
            [
                new_row(
                    DatasetGrantRecord,
                    dataset_uuid=row["uuid"],
                    group_uuid=self._rng.choice(self._people.groups),
                    role=StorageUserRole.VIEWER,
                    uuid=self._rng.uuid(row["created_at"]),
                    created_at=row["created_at"],
                )
                for row in dataset_rows
            ],
        )

    def data_rows_of(self, items: Sequence[dict[str, Any]]) -> TableRows:
        """Return data rows for some of the items; a mirror dataset uses all of its folder's."""
        rows = []
        for item in items:
            if item["is_placeholder"]:
                continue
            chosen = self._rng.sample(self._others, self._rng.choice(_USES))
            mirror = self._mirrors.get(item["folder_uuid"])
            for dataset in [mirror, *chosen] if mirror else chosen:
                self._counts[dataset, item["storage_location"]] += 1
                rows.append(
                    new_row(
                        DataRowRecord,
                        uuid=self._rng.uuid(item["created_at"]),
                        dataset_uuid=dataset,
                        item_uuid=item["uuid"],
                        created_at=item["created_at"],
                    )
                )
        return data_rows, rows

    def counters(self) -> TableRows:
        """Return the counters of the datasets, once all data rows are made."""
        rows = [
            new_row(
                DatasetCountersRecord,
                dataset_uuid=dataset,
                storage_location=location,
                data_rows=number,
            )
            for (dataset, location), number in self._counts.items()
        ]
        return dataset_counters, rows
