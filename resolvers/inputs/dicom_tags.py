"""Inputs that choose tags of DICOM instances, and how they are read."""

from collections.abc import Callable
from typing import Annotated, Any, TypeVar

import strawberry
from strawberry import UNSET

from gateway.dicom.dictionary import (
    MalformedTag,
    TagChoice,
    check_keyword,
    parse_choice,
    parse_group,
    parse_tag,
)
from gateway.dicom.tag_filters import TagFilter
from gateway.error_texts import sized
from gateway.errors import bad_input
from gateway.json_values import camel_case
from gateway.scalars import JSON

MAX_ENTRIES = 1000
MAX_TEXT = 100_000
"""Characters of a text that is compared with those of tags."""

T = TypeVar("T")


def _key(description: str) -> Any:
    return strawberry.field(default=UNSET, description=description)


@strawberry.input(
    description="Conditions on tags, all of which must be met. Values are compared exactly; null "
    "matches tags that lack the attribute, and an omitted field matches all. Only the tags of the "
    "object itself are searched, and sequences are kept with all that is in them."
)
class DicomTagFilter:
    group: int | None = _key("The group as a decimal number, such as 8 for (0008,0070).")
    element: int | None = _key("The element as a decimal number, such as 112 for (0008,0070).")
    tag: str | None = _key(
        "The tag: `00080070`, `0008,0070` or `0x00080070`, or its keyword, `Manufacturer`."
    )
    keyword: str | None = _key("The keyword, such as `PatientName`. Null matches private tags.")
    name: str | None = _key("The name, such as `Patient's Name`. Null matches private tags.")
    vr: str | None = _key("The value representation, such as `LO`.")
    vl: int | None = _key("The length of the value in bytes, as `vl` of the tag.")
    value: str | None = _key("The first value. Null matches tags without one, such as sequences.")
    values: list[str | None] | None = _key(
        "The values in their order; only the first one unless `allValues` is set. Null and an empty "
        "list match tags without values."
    )
    private_creator: str | None = _key("The private creator. Null matches all but private tags.")
    is_retired: bool | None = _key("Whether the standard has retired the tag.")
    keywords: list[str] | None = strawberry.field(
        default=None, description="One of these keywords, at most 1,000."
    )
    groups: list[JSON] | None = strawberry.field(
        default=None,
        description="One of these groups, at most 1,000: each a number, or text that is decimal, "
        'such as `"16"`, or hexadecimal after `0x`, such as `"0x0010"`.',
    )
    include_tags: list[str] | None = strawberry.field(
        default=None,
        description="One of these tags, at most 1,000: each a keyword, or `00080070`, `0008,0070` or "
        "`0x00080070`. A path such as `00081111:00080550` stands for the whole sequence.",
    )


Filter = Annotated[
    DicomTagFilter | None,
    strawberry.argument(description="Return only tags that match this filter."),
]
AllValues = Annotated[
    bool,
    strawberry.argument(
        description="Whether `values` has all values of a tag rather than the first one."
    ),
]
ExcludeUnnamed = Annotated[
    bool,
    strawberry.argument(
        description="Whether to leave out tags without a name, in sequences too: those that are "
        "private or that the standard does not list."
    ),
]
IncludePrivate = Annotated[
    bool, strawberry.argument(description="Whether to include private tags, in sequences too.")
]
TagName = Annotated[
    str,
    strawberry.argument(
        description="The tag's name, such as `Patient's Name`, its keyword, `PatientName`, or the "
        "tag itself, `00100010`. Case-sensitive."
    ),
]

_COMPARED = (
    *("group", "element", "keyword", "name", "vr", "vl", "value", "private_creator"),
    "is_retired",
)


def read_filter(filter: DicomTagFilter | None) -> TagFilter:
    """Return the conditions of a filter.

    Raises:
        DomainError: `BAD_USER_INPUT` at the path of a malformed tag, keyword or group, or of a text
            that is too long.
    """
    if filter is None:
        return TagFilter()
    for name in ("name", "vr", "value", "private_creator"):
        check_text(getattr(filter, name), "filter", camel_case(name))
    for index, value in enumerate(filter.values or ()):
        check_text(value, "filter", "values", index)
    equal = {name: getattr(filter, name) for name in _COMPARED}
    equal["values"] = UNSET if filter.values is UNSET else filter.values or []
    equal["tag"] = filter.tag and _checked(parse_tag, filter.tag, "tag")
    equal = {name: value for name, value in equal.items() if value is not UNSET}
    choices = []
    if filter.keyword:
        _checked(check_keyword, filter.keyword, "keyword")
        choices.append(TagChoice([_checked(parse_choice, filter.keyword, "keyword")]))
    if filter.keywords is not None:
        _entries(check_keyword, filter.keywords, "keywords")
        choices.append(TagChoice(_entries(parse_choice, filter.keywords, "keywords")))
    if filter.include_tags is not None:
        choices.append(TagChoice(_entries(parse_choice, filter.include_tags, "includeTags")))
    if isinstance(equal.get("tag"), str):
        choices.append(TagChoice([equal["tag"]]))
    groups = filter.groups
    read = None if groups is None else frozenset(_entries(parse_group, groups, "groups"))
    return TagFilter(equal, read, choices)


def check_text(text: object, *path: str | int) -> None:
    """Raise `BAD_USER_INPUT` if a text is too long; anything else is not checked."""
    if isinstance(text, str) and len(text) > MAX_TEXT:
        raise bad_input(sized("The text", 0, MAX_TEXT, len(text)), *path)


def _entries(parse: Callable[[Any], T], entries: list[Any], name: str) -> list[T]:
    """Return what is read of the entries of a list."""
    if len(entries) > MAX_ENTRIES:
        message = sized(name, 0, MAX_ENTRIES, len(entries), "entries")
        raise bad_input(message, "filter", name)
    return [_checked(parse, entry, name, index) for index, entry in enumerate(entries)]


def _checked(parse: Callable[[Any], T], value: Any, *path: str | int) -> T:
    try:
        return parse(value)
    except MalformedTag as error:
        raise bad_input(str(error), "filter", *path) from None
