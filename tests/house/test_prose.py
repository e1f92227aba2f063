"""Prose that people read: no internal ids, no gendered pronouns, and descriptions that stand on their own."""

import ast
import re
from collections.abc import Iterator
from typing import Any

from graphql import (
    GraphQLEnumType,
    GraphQLInputObjectType,
    GraphQLInterfaceType,
    GraphQLObjectType,
)
from typer.main import get_command

from gateway.__main__ import cli
from schema.api import api
from tests.house.sources import PACKAGES, ROOT, modules

INTERNAL_ID = re.compile(r"\b(?:ENC|SUB|AMB|MID|GIR)-[A-Z0-9]|\bdesign section\b|\bissue \d")
PRONOUN = re.compile(r"\b(?:he|his|him|himself|she|her|herself)\b", re.IGNORECASE)
DANGLING = re.compile(r"(?:The same|What|Who|How|Whether somebody)\b")
ERRORS = ("bad_input", "forbidden", "conflict", "DomainError")
LOG_LEVELS = ("debug", "info", "warning", "error", "exception", "critical")

PENDING = {
    "DataGroupLayoutType",
    "DatasetLinkDuplicatesBehavior",
    "LayoutDirection",
    "MetadataFieldType",
    "Mutation",
    "Query",
    "ReencodeUnitStatus",
    "SidecarMatcherMode",
    "SiteRole",
    "StorageFolderType",
    "StorageUserRole",
    "Subscription",
    "TimeSeriesColumnKind",
    "TimeSeriesStyle",
    "gateway/auth/credentials.py",
    "gateway/auth/roles.py",
    "gateway/auth/viewer.py",
    "gateway/auth/visibility.py",
    "gateway/catalog/collections.py",
    "gateway/catalog/datasets.py",
    "gateway/catalog/first_admin.py",
    "gateway/catalog/folders.py",
    "gateway/catalog/ingestion/begin_units.py",
    "gateway/catalog/ingestion/bind_sources.py",
    "gateway/catalog/ingestion/duplicates.py",
    "gateway/catalog/ingestion/entry_plans.py",
    "gateway/catalog/ingestion/finish_items.py",
    "gateway/catalog/ingestion/job_state.py",
    "gateway/catalog/ingestion/placeholders.py",
    "gateway/catalog/ingestion/start_job.py",
    "gateway/catalog/ingestion/unit_plan.py",
    "gateway/catalog/integrations.py",
    "gateway/catalog/items.py",
    "gateway/catalog/ledger/__init__.py",
    "gateway/catalog/metadata_schema.py",
    "gateway/catalog/mirroring/__init__.py",
    "gateway/catalog/people.py",
    "gateway/catalog/reencoding.py",
    "gateway/catalog/rules/client_facts.py",
    "gateway/catalog/rules/metadata_types.py",
    "gateway/catalog/rules/names.py",
    "gateway/catalog/sync_jobs.py",
    "gateway/catalog/tags.py",
    "gateway/clouds/base.py",
    "gateway/context.py",
    "gateway/demo/client.py",
    "gateway/demo/contents.py",
    "gateway/demo/papers.py",
    "gateway/demo/uploading.py",
    "gateway/errors.py",
    "gateway/events/listeners.py",
    "gateway/events/streams.py",
    "gateway/execution/loader_resolvers.py",
    "gateway/execution/cache.py",
    "gateway/execution/compiled/connection_writer.py",
    "gateway/execution/compiled/executor.py",
    "gateway/execution/compiled/value_conversion.py",
    "gateway/execution/compiled/plan.py",
    "gateway/execution/compiled/planner.py",
    "gateway/execution/compiled/plan_run.py",
    "gateway/execution/compiled/selections.py",
    "gateway/execution/compiled/statement_cache.py",
    "gateway/execution/compiled/code_writer.py",
    "gateway/execution/cost.py",
    "gateway/execution/declarations.py",
    "gateway/execution/documents.py",
    "gateway/execution/input_checks.py",
    "gateway/execution/limits.py",
    "gateway/execution/operations.py",
    "gateway/execution/pagination.py",
    "gateway/execution/statements.py",
    "gateway/gc_tuning.py",
    "gateway/generate/contents.py",
    "gateway/generate/fill.py",
    "gateway/generate/kinds.py",
    "gateway/generate/people.py",
    "gateway/generate/tree.py",
    "gateway/json_values.py",
    "gateway/kinds/enums.py",
    "gateway/kinds/media_facts.py",
    "gateway/logs.py",
    "gateway/manifests/child.py",
    "gateway/manifests/csv_file.py",
    "gateway/manifests/json_file.py",
    "gateway/manifests/sections.py",
    "gateway/media/samples.py",
    "gateway/media/timeseries.py",
    "gateway/models/base.py",
    "gateway/models/folders.py",
    "gateway/models/uploads.py",
    "gateway/queues/leased.py",
    "gateway/queues/postgres.py",
    "gateway/queues/worker.py",
    "gateway/tasks/ingest.py",
    "gateway/tasks/manifests.py",
    "gateway/tasks/reading.py",
    "gateway/tasks/reencoding.py",
    "gateway/tasks/scanning.py",
    "gateway/tasks/sweep.py",
    "gateway/tasks/syncs.py",
    "resolvers/changes.py",
    "resolvers/collections.py",
    "resolvers/data_groups.py",
    "resolvers/datasets.py",
    "resolvers/filters.py",
    "resolvers/folders.py",
    "resolvers/integrations.py",
    "resolvers/items.py",
    "resolvers/job_subscriptions.py",
    "resolvers/json_columns.py",
    "resolvers/metadata.py",
    "resolvers/mutations/attributes.py",
    "resolvers/mutations/collections.py",
    "resolvers/mutations/data_groups.py",
    "resolvers/mutations/dataset_users.py",
    "resolvers/mutations/datasets.py",
    "resolvers/mutations/folders.py",
    "resolvers/mutations/grants.py",
    "resolvers/mutations/items.py",
    "resolvers/mutations/jobs.py",
    "resolvers/mutations/layouts.py",
    "resolvers/mutations/metadata.py",
    "resolvers/mutations/migration.py",
    "resolvers/mutations/people.py",
    "resolvers/mutations/reencoding.py",
    "resolvers/mutations/syncs.py",
    "resolvers/mutations/tags.py",
    "resolvers/mutations/uploads.py",
    "resolvers/mutations/views.py",
    "resolvers/nodes.py",
    "resolvers/people.py",
    "resolvers/permissions.py",
    "resolvers/reencoding.py",
    "resolvers/syncs.py",
    "resolvers/tags.py",
    "resolvers/uploads.py",
    "resolvers/views.py",
}
"""Still to be reworded: files, and types of the schema."""


def sources() -> Iterator[tuple[str, str]]:
    """Yield the files of the three packages and of the documentation, as name and text."""
    code = [path for package in PACKAGES for path in (ROOT / package).rglob("*.py") if "migrations" not in path.parts]
    for path in [*code, *ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")]:
        yield path.relative_to(ROOT).as_posix(), path.read_text()


def descriptions() -> Iterator[tuple[str, str]]:
    """Yield every description and deprecation of the schema, with its coordinate."""
    for name, kind in api._schema.type_map.items():
        if name.startswith("__") or name in ("String", "Int", "Float", "Boolean", "ID"):
            continue
        yield name, kind.description or ""
        members = kind.values if isinstance(kind, GraphQLEnumType) else {}
        if isinstance(kind, GraphQLObjectType | GraphQLInterfaceType | GraphQLInputObjectType):
            members = kind.fields
        for member, value in members.items():
            yield f"{name}.{member}", value.description or ""
            if value.deprecation_reason:
                yield f"{name}.{member} @deprecated", value.deprecation_reason
            for argument, definition in getattr(value, "args", {}).items():
                yield f"{name}.{member}({argument})", definition.description or ""


def helps(command: Any, name: str = "storegraph") -> Iterator[tuple[str, str]]:
    """Yield the help of a command, of its parameters, and of the commands below it."""
    yield name, command.help or ""
    for parameter in command.params:
        if parameter.name != "help" and hasattr(parameter, "help"):
            yield f"{name} {parameter.name}", parameter.help or ""
    for child, inner in getattr(command, "commands", {}).items():
        yield from helps(inner, f"{name} {child}")


def calls() -> Iterator[tuple[str, ast.Call, str]]:
    """Yield every call of the three packages: its location, its node, and the called name."""
    for module, tree in modules().items():
        for node in ast.walk(tree):
            if isinstance(node, ast.Call):
                called = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
                yield f"{module}:{node.lineno}", node, called


def literal(node: ast.expr) -> str | None:
    """Return a literal text, or the end of one into which values are formatted; none if that is a value."""
    last = node.values[-1] if isinstance(node, ast.JoinedStr) else node
    return last.value if isinstance(last, ast.Constant) and isinstance(last.value, str) else None


def test_sources_have_no_internal_ids_and_no_gendered_pronouns() -> None:
    wrong = [
        f"{name}:{number}: {line.strip()}"
        for name, text in sources()
        if name not in PENDING
        for number, line in enumerate(text.splitlines(), 1)
        if INTERNAL_ID.search(line) or PRONOUN.search(line)
    ]
    assert not wrong, "\n".join(wrong)


def test_descriptions_are_sentences_that_stand_alone() -> None:
    wrong = [
        (coordinate, text)
        for coordinate, text in descriptions()
        if coordinate.partition(".")[0] not in PENDING
        if not text.endswith(".") or DANGLING.match(text) or INTERNAL_ID.search(text) or PRONOUN.search(text)
    ]
    assert not wrong, "\n".join(map(str, wrong))


def test_help_is_sentences_that_stand_alone() -> None:
    wrong = [(name, text) for name, text in helps(get_command(cli)) if not text.endswith(".") or DANGLING.match(text)]
    assert not wrong


def test_docstrings_stand_alone() -> None:
    kinds = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)
    wrong = [
        f"{name}: {docstring.splitlines()[0]}"
        for name, text in sources()
        if name.endswith(".py") and name not in PENDING
        for node in ast.walk(ast.parse(text))
        if isinstance(node, kinds) and DANGLING.match(docstring := ast.get_docstring(node) or "")
    ]
    assert not wrong, "\n".join(wrong)


def test_errors_are_sentences() -> None:
    wrong = []
    for location, call, called in calls():
        index = 1 if called == "DomainError" else 0
        if called not in ERRORS or len(call.args) <= index:
            continue
        text = literal(call.args[index])
        if text is not None and not text.endswith((".", "?")):
            wrong.append(f"{location}: {text}")
    assert not wrong, "\n".join(wrong)


def test_log_events_are_names() -> None:
    wrong = [
        f"{location}: {text}"
        for location, call, called in calls()
        if called in LOG_LEVELS and isinstance(call.func, ast.Attribute)
        if isinstance(call.func.value, ast.Name) and call.func.value.id == "log"
        if call.args and (text := literal(call.args[0])) and not re.fullmatch(r"[a-z]+(?:_[a-z]+)+", text)
    ]
    assert not wrong, "\n".join(wrong)
