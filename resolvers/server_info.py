"""Facts about the server: its version, and its optional parts."""

from dataclasses import dataclass
from importlib.metadata import version

from gateway.context import Context


@dataclass(frozen=True, slots=True)
class ServerFacts:
    """The version of the server, and which of its optional parts are on."""

    version: str
    modules: list[str]


async def server_info(context: Context) -> ServerFacts:
    """The version of the server, and which of its optional parts are on."""
    settings = context.services.settings
    modules = {
        "dicomweb": settings.dicomweb != "off",
        "graphiql": settings.graphiql,
        "introspection": settings.introspection,
        "jwt": bool(settings.jwt_issuer or settings.jwt_secret),
        "persisted-queries": settings.persisted_queries,
    }
    return ServerFacts(version("storegraph"), [name for name, is_on in modules.items() if is_on])
