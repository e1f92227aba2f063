"""Canaries for the names of other packages that are not public: each failure says which upgrade broke what.

The modules named here are the only ones that may use such names.
"""

import ast
import asyncio
import inspect
import re
import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import aiosqlite
import boto3
import psycopg
import pytest
import sqlalchemy as sa
import strawberry
import websockets.server
from botocore.config import Config
from graphql import GraphQLSchema, build_schema, parse

from gateway.database import aiosqlite_apis, psycopg_apis, sqlalchemy_apis
from gateway.database.dialects import in_keys
from gateway.execution import private_apis
from gateway.http import uvicorn_protocols
from gateway.queues import procrastinate_apis
from gateway.stores.downloads import Download
from gateway.stores.presigning import enable_dated_urls, presign_download
from tests.house.sources import ROOT

BORROWERS = {
    "gateway/database/aiosqlite_apis.py",
    "gateway/database/psycopg_apis.py",
    "gateway/database/sqlalchemy_apis.py",
    "gateway/execution/private_apis.py",
    "gateway/http/uvicorn_protocols.py",
    "gateway/queues/procrastinate_apis.py",
}
INTERNAL_MODULES = re.compile(
    r"graphql\.(execution|validation|pyutils|language|type|utilities)\b|strawberry\.(execution|types\.arguments)"
    r"|procrastinate\.(manager|jobs|utils)|uvicorn\.protocols"
)
DOCUMENTED = {"_mapping", "_fields", "_asdict", "_replace"}
"""Public in spite of their names: of SQLAlchemy's rows, and of named tuples."""
PRIVATE = re.compile(r"_[a-z]\w+")


def canary(package: str, why: str) -> Callable[[Callable[[], None]], Callable[[], None]]:
    """Name the package whose upgrade broke something, for any failure of a test."""

    def wrap(check: Callable[[], None]) -> Callable[[], None]:
        def test() -> None:
            try:
                check()
            except Exception as error:
                pytest.fail(f"{package} {version(package)} broke {why}: {error!r}")

        return test

    return wrap


@strawberry.input
class Choice:
    number: int = 0


@strawberry.type
class Root:
    @strawberry.field
    def answer(self, info: strawberry.Info, choice: Choice) -> int:
        assert private_apis.selection_node(info).alias is not None
        return choice.number


SCHEMA = strawberry.Schema(Root)


@canary("strawberry-graphql", "core_schema: the schema of graphql-core behind Strawberry's")
def test_core_schema() -> None:
    assert isinstance(private_apis.core_schema(SCHEMA), GraphQLSchema)


@canary("graphql-core", "print_description: the description of a schema, as SDL")
def test_print_description() -> None:
    assert private_apis.print_description(GraphQLSchema(description="A schema.")) == '"""A schema."""\n'


@canary("strawberry-graphql", "definition_of: Strawberry's definitions of types, fields and arguments")
def test_definitions() -> None:
    query = private_apis.core_schema(SCHEMA).query_type
    assert query is not None
    field = private_apis.definition_of(query.fields["answer"])
    assert private_apis.definition_of(query).origin is Root
    assert (field.python_name, field.metadata, field.base_resolver is None) == ("answer", {}, False)
    [argument] = field.arguments
    assert isinstance(argument, private_apis.StrawberryArgument)
    assert private_apis.argument_converter(SCHEMA)({"choice": {"number": 7}}, field.arguments) == {
        "choice": Choice(number=7)
    }


@canary("strawberry-graphql", "selection_node: the node in the document behind an info")
def test_selection_node() -> None:
    result = SCHEMA.execute_sync("{ alias: answer(choice: {number: 7}) }")
    assert (result.errors, result.data) == (None, {"alias": 7})


@canary("strawberry-graphql", "optimized_is_awaitable, with which graphql-core is run")
def test_is_awaitable() -> None:
    async def coroutine() -> None: ...

    started = coroutine()
    assert private_apis.optimized_is_awaitable(started) and not private_apis.optimized_is_awaitable(1)
    started.close()


@canary("sqlalchemy", "statement_key: the cache key by which statements are recognized")
def test_statement_key() -> None:
    keys = [sqlalchemy_apis.statement_key(selecting(value)) for value in ("a", "b")]
    assert keys[0] is not None and keys[1] is not None
    assert keys[0].shape == keys[1].shape
    assert [bind.value for bind in keys[1].binds] == ["b", ["k"], ["x", "y"]]
    listed = sqlalchemy_apis.statement_key(sa.select(sa.column("n")).where(in_keys(sa.column("n", sa.Text), ["k"])))
    assert listed is not None and listed.shape != keys[0].shape


@canary("sqlalchemy", "bind_names, parameter_order and bind_processor: parameters of compiled statements")
def test_parameters_of_statements() -> None:
    from sqlalchemy.dialects.sqlite.aiosqlite import dialect

    key = sqlalchemy_apis.statement_key(selecting("b"))
    assert key is not None
    engine_dialect: Any = dialect(paramstyle="qmark")
    compiled = selecting("b").compile(dialect=engine_dialect, compile_kwargs={"render_postcompile": True})
    statement = key.binds
    names = [sqlalchemy_apis.bind_names(compiled)[bind] for bind in sqlalchemy_apis.bind_names(compiled)]
    assert len(names) == len(statement)
    order = sqlalchemy_apis.parameter_order(compiled)
    assert order is not None and len(order) == 4
    process = sqlalchemy_apis.bind_processor(compiled, names[1], engine_dialect)
    assert process is not None and process(["k"]) == '["k"]'
    assert sqlalchemy_apis.bind_processor(compiled, order[-1], engine_dialect) is None


def selecting(value: str) -> sa.Select[Any]:
    """Return a statement with a plain parameter, an array of keys and an expanded list."""
    name = sa.column("name", sa.Text)
    return sa.select(name).where(name == value, in_keys(name, ["k"]), name.in_(["x", "y"]))


@canary("graphql-core", "collect_fields and collect_subfields: what a document selects")
def test_collecting_fields() -> None:
    expected = ["schema", "fragments", "variable_values"]
    for collect in (private_apis.collect_fields, private_apis.collect_subfields):
        assert list(inspect.signature(collect).parameters)[:3] == expected
    assert "node" in private_apis.FieldDetails.__annotations__
    assert "definition" in private_apis.FragmentDetails.__annotations__


@canary("graphql-core", "get_variable_signature: the types and defaults of variables")
def test_variable_signatures() -> None:
    schema = build_schema("type Query { a(b: Int): Int }")
    operation: Any = parse("query($b: Int = 3) { a(b: $b) }").definitions[0]
    signature = private_apis.get_variable_signature(schema, operation.variable_definitions[0])
    assert isinstance(signature, private_apis.GraphQLVariableSignature)
    assert (signature.name, str(signature.type), signature.default is None) == ("b", "Int", False)
    assert private_apis.VariableValueSource(signature, 3) is not None


@canary("graphql-core", "ValidationAbortedError, which ends a validation that takes too long")
def test_validation_can_be_aborted() -> None:
    assert issubclass(private_apis.ValidationAbortedError, Exception)


@canary("procrastinate", "JobManager: the functions on Procrastinate's tables that our loop calls")
def test_manager_of_procrastinate() -> None:
    needed = {
        "fetch_job": {"queues", "worker_id"},
        "get_stalled_jobs": {"seconds_since_heartbeat"},
        "list_jobs_async": {"status", "worker_id"},
        "prune_stalled_workers": set(),
        "register_worker": set(),
        "unregister_worker": {"worker_id"},
        "update_heartbeat": {"worker_id"},
    }
    for name, parameters in needed.items():
        method = getattr(procrastinate_apis.JobManager, name)
        assert parameters <= set(inspect.signature(method).parameters), name
    assert len(list(procrastinate_apis.get_channel_for_queues())) == 1
    assert "DOING" in set(procrastinate_apis.Status.__members__)


@canary("aiosqlite", "make_daemon and run_in_thread: the thread of a connection")
def test_thread_of_aiosqlite() -> None:
    threads: list[threading.Thread] = []

    async def run() -> None:
        connection = aiosqlite.connect(":memory:")
        aiosqlite_apis.make_daemon(connection)
        async with connection:
            await aiosqlite_apis.run_in_thread(connection, lambda _: threads.append(threading.current_thread()))

    asyncio.run(run())
    [thread] = threads
    assert thread.daemon and thread is not threading.current_thread()


@canary("psycopg", "WaitTimeout: what `wait` raises after its timeout, after which it can go on")
def test_timeout_of_psycopg() -> None:
    assert issubclass(psycopg_apis.WaitTimeout, psycopg.OperationalError)
    assert "timeout" in inspect.signature(psycopg.AsyncConnection.wait).parameters


@canary("psycopg", "results_of: what waits for the results of a statement that was sent")
def test_results_of_psycopg() -> None:
    assert [*inspect.signature(psycopg_apis.results_of).parameters] == ["pgconn"]


@canary("uvicorn", "the protocols that bounds on connections derive from")
def test_protocols_of_uvicorn() -> None:
    for ours in (uvicorn_protocols.HTTPProtocol, uvicorn_protocols.WebSocketProtocol):
        theirs = ours.__mro__[1]
        overridden = {name for name in vars(ours) if callable(getattr(ours, name)) and not name.startswith("_")}
        assert overridden <= set(dir(theirs)), ours
        state = set(inspect.getsource(theirs).split())
        assert {"self.transport", "self.loop"} <= state, ours
    assert {"self.frames", "self.conn", "self.close_sent", "self.writable"} <= state
    borrowed = {"reader", "fail", "data_to_send", "close_sent", "close_rcvd"}
    assert borrowed <= set(dir(websockets.server.ServerProtocol())), "websockets"


@canary("botocore", "DatedQueryAuth: the hook in which a signature's time is set")
def test_time_of_signatures() -> None:
    config = Config(signature_version="s3v4")
    session = boto3.Session(aws_access_key_id="a", aws_secret_access_key="b")
    client = session.client("s3", region_name="us-east-1", config=config)
    enable_dated_urls(client)
    start, end = datetime(2030, 1, 2, 3, tzinfo=UTC), datetime(2030, 1, 2, 4, tzinfo=UTC)
    download = Download("a.png", "image/png", True, start, end, 60)
    url = presign_download(client, "bucket", "key", download, sets_cache_control=True)
    query = parse_qs(urlsplit(url).query)
    assert (query["X-Amz-Date"], query["X-Amz-Expires"]) == (["20300102T030000Z"], ["3600"])
    assert query["X-Amz-Credential"] == ["a/20300102/us-east-1/s3/aws4_request"]


def borrowed_names(path: Path) -> list[str]:
    """Return private names of other packages in a module: attributes that it does not define."""
    tree = ast.parse(path.read_text())
    own = DOCUMENTED | {*own_private_names(tree)}
    names = []
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and INTERNAL_MODULES.match(node.module or ""):
            names.append(f"from {node.module}")
        elif isinstance(node, ast.Attribute) and PRIVATE.fullmatch(node.attr) and node.attr not in own:
            names.append(f".{node.attr}")
    return names


def own_private_names(tree: ast.Module) -> Iterator[str]:
    """Return private names that a module defines, attributes of `self` included."""
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            yield node.name
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            yield node.id
        elif isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store):
            yield node.attr


def test_private_names_are_borrowed_in_one_place() -> None:
    borrowed = {
        str(path.relative_to(ROOT)): names
        for package in ("gateway", "resolvers", "schema")
        for path in sorted((ROOT / package).rglob("*.py"))
        if (names := borrowed_names(path)) and str(path.relative_to(ROOT)) not in BORROWERS
    }
    assert borrowed == {}
