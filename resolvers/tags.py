"""The organisation's tags: how they are resolved."""

from gateway.auth.visibility import is_staying_tag
from gateway.execution.bound_values import FOLDED
from gateway.execution.declarations import Argument, ToMany, ToOne
from gateway.models.folders import folders
from gateway.models.tags import folder_tags, organisation_tags
from resolvers.filters import name_condition
from resolvers.global_ids import id_from
from resolvers.orders import by_name

_ORDER = by_name(organisation_tags.c.name_key, organisation_tags.c.uuid)
_SEARCH = Argument(
    "search",
    str | None,
    None,
    "Text that the name contains, ignoring case; at most 1,000 characters.",
    FOLDED,
)
_search = name_condition(organisation_tags.c.name_key)

id_of = id_from("OrganisationTag", organisation_tags.c.uuid)
tag_by_uuid = ToOne(
    organisation_tags, "organisation_tag_uuid", access=lambda _viewer: is_staying_tag()
)
all_tags = ToMany(
    "organisationTags",
    organisation_tags,
    _ORDER,
    where=lambda query: [*_search(query), is_staying_tag()],
    arguments=(_SEARCH,),
)
tags_of_folder = ToMany(
    "folderTags",
    organisation_tags,
    _ORDER,
    key=folders.c.uuid,
    parent=folder_tags.c.folder_uuid,
    source=organisation_tags.join(folder_tags, folder_tags.c.tag_uuid == organisation_tags.c.uuid),
    where=lambda _query: [is_staying_tag()],
)
