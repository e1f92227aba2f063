"""Reads trusted documents: the files or the manifest that the build of a client writes."""

from pathlib import Path
from typing import Any

import orjson

from gateway.settings import NotConfigured


def load_trusted_documents(path: Path) -> dict[str, str]:
    """Return the text of each document by its id.

    Args:
        path: a manifest, or a directory of manifests (`.json`) and of documents (`.graphql`), each
            named after its id.

    Raises:
        NotConfigured: a file cannot be read, or two documents have the same id.
    """
    documents: dict[str, str] = {}
    try:
        for file in sorted(path.iterdir()) if path.is_dir() else [path]:
            if file.suffix == ".graphql":
                found = [(file.stem, file.read_text(encoding="utf-8"))]
            elif file.suffix == ".json":
                found = _read_manifest(file)
            else:
                continue
            for id_, text in found:
                if documents.setdefault(id_, text) != text:
                    raise ValueError(f"Two documents have the id {id_}.")
        if not documents:
            raise ValueError(f"{path} has no documents in files .graphql or .json.")
    except (OSError, ValueError) as error:
        raise NotConfigured(f"STOREGRAPH_TRUSTED_DOCUMENTS: {error}") from None
    return documents


def _read_manifest(path: Path) -> list[tuple[str, str]]:
    """Return the documents of a manifest, as Relay, GraphQL Code Generator or Apollo write it."""
    try:
        manifest: Any = orjson.loads(path.read_bytes())
    except ValueError as error:
        raise ValueError(f"{path} is not JSON: {error}.") from None
    try:
        if manifest.get("format") == "apollo-persisted-query-manifest":
            pairs = [(each["id"], each["body"]) for each in manifest["operations"]]
        else:
            pairs = [*manifest.items()]
    except (AttributeError, KeyError, TypeError):
        pairs = [(None, None)]
    if not all(isinstance(text, str) for pair in pairs for text in pair):
        raise ValueError(
            f"{path} is not a manifest: expected an object with the text of each document by its "
            "id, or Apollo's persisted query manifest."
        )
    return pairs
