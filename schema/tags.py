"""The organisation's tags."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

import strawberry

from resolvers import tags
from schema.common import Node
from schema.fields import column, of, resolved


@of()
@strawberry.type(description="A word for folders, the same for the whole organisation (ENC-TAG).")
class OrganisationTag(Node):
    id: strawberry.ID = resolved(tags.id_of, "The opaque id.")
    uuid: UUID = column("The tag's uuid.")
    name: str = column("The tag's name; no other has it, letter by letter.")
    description: str = column("What the tag means.")
    created_at: datetime = column("When it was made.")
