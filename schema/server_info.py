"""The server."""

import strawberry

from schema.fields import column, row_type


@row_type()
@strawberry.type(description="The server that answers.")
class ServerInfo:
    version: str = column("The version of Storegraph, such as `1.2.3`.")
    modules: list[str] = column(
        "The optional parts that are on, at most one entry per part: `dicomweb`, `graphiql`, "
        "`introspection`, `jwt` and `persisted-queries`."
    )
