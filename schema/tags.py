"""Tags of the organisation."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

import strawberry

from resolvers import tags
from schema.common import Node
from schema.fields import column, resolved, row_type


@row_type()
@strawberry.type(description="A tag for folders, shared by the whole organisation.")
class OrganisationTag(Node):
    id: strawberry.ID = resolved(tags.id_of, "Opaque global ID, for use with `node`.")
    uuid: UUID = column("The tag's UUID.")
    name: str = column("The tag's name, unique in the organisation and case-sensitive.")
    description: str = column("Free-text description; empty by default.")
    created_at: datetime = column("When the tag was created, in UTC.")
