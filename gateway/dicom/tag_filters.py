"""Conditions on elements of a document."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from gateway.dicom.dictionary import TagChoice
from gateway.dicom.tag_views import Document, TagRow, TagView


@dataclass(frozen=True, slots=True)
class TagFilter:
    """Conditions on top-level elements, all of which must be met; sequences are kept whole.

    Attributes:
        equal: values of attributes of `TagRow`; None for elements that lack the attribute.
        groups: groups of which an element must be.
        choices: each must have an element.
    """

    equal: Mapping[str, Any] = field(default_factory=dict)
    groups: Collection[int] | None = None
    choices: Collection[TagChoice] = ()

    def rows(self, document: Document, view: TagView) -> list[TagRow]:
        """Return the elements of a document that are shown and meet all conditions."""
        tags: Iterable[str] = document
        for choice in self.choices:
            tags = choice.among(tags)
        if self.groups is not None:
            tags = [tag for tag in tags if int(tag[:4], 16) in self.groups]
        wanted = self.equal.items()
        return [
            row
            for row in view.rows(document, tags)
            if not wanted or all(getattr(row, name) == value for name, value in wanted)
        ]


def named(rows: Iterable[TagRow], name: str) -> TagRow | None:
    """Return the first element whose name, keyword or tag is `name`; None if there is none."""
    return next((row for row in rows if name in (row.name, row.keyword, row.tag)), None)
