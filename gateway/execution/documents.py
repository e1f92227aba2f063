"""Turns source text into documents that may be executed, once for each text: parsed, measured and validated."""

from collections import OrderedDict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import anyio
import anyio.to_thread
from graphql import (
    ArgumentNode,
    DirectiveNode,
    DocumentNode,
    FieldNode,
    GraphQLError,
    GraphQLInputObjectType,
    GraphQLSchema,
    GraphQLSyntaxError,
    OperationDefinitionNode,
    VariableNode,
    Visitor,
    get_named_type,
    is_leaf_type,
    parse,
    specified_rules,
    validate,
    visit,
)

from gateway.errors import DomainError, ErrorCode
from gateway.execution.input_checks import StorableLiterals
from gateway.execution.limits import LimitExceeded, exceeded
from gateway.execution.private_apis import (
    GraphQLVariableSignature,
    ValidationAbortedError,
    definition_of,
    get_variable_signature,
)
from gateway.settings import Limits

RULES = (*specified_rules, StorableLiterals)
SIZES = frozenset({"first", "last", "uuids", "ids"})
"""The arguments that say how many objects are wanted."""
THREADS = (
    2  # so that hostile documents cannot occupy the threads that the rest of the gateway needs
)


@dataclass(frozen=True, slots=True)
class Document:
    """A valid document; the anonymous operation stands under the empty name.

    `switches` are the variables on which it depends what is selected at all, `sizes` those by which it is reckoned how
    much. `leaves` has the variables of each operation whose variables hold no input objects.
    """

    source: str
    ast: DocumentNode
    operations: Mapping[str, OperationDefinitionNode]
    switches: tuple[str, ...] = ()
    sizes: tuple[str, ...] = ()
    leaves: Mapping[str, tuple[GraphQLVariableSignature, ...]] = field(default_factory=dict)

    def introspects(self, operation: OperationDefinitionNode) -> bool:
        """Whether an operation asks of the schema alone."""
        fields = operation.selection_set.selections
        return all(
            isinstance(field, FieldNode) and field.name.value.startswith("__") for field in fields
        )

    def operation(self, name: str | None) -> OperationDefinitionNode:
        """The operation of that name, or the only one; raises OPERATION_RESOLUTION_FAILURE."""
        if not name and len(self.operations) > 1:
            raise _unresolved("The document has several operations: say which by operationName.")
        operation = self.operations.get(name) if name else next(iter(self.operations.values()))
        if operation is None:
            raise _unresolved(f"The document has no operation named {name!r}.")
        return operation


class DocumentErrors(Exception):
    """A document cannot be executed: GraphQL errors, each with `extensions.code` or a domain error as its cause."""

    def __init__(self, errors: Sequence[GraphQLError]) -> None:
        super().__init__("; ".join(error.message for error in errors))
        self.errors = errors


class Documents:
    """The documents of one schema, the latest `entries` of them kept while their texts add up to `size` characters.

    A kept syntax tree takes about 80 bytes for each character of an ordinary text, and up to 300 for a hostile one.
    """

    def __init__(
        self, schema: GraphQLSchema, limits: Limits, entries: int = 1_000, size: int = 512_000
    ) -> None:
        self._schema = schema
        self._limits = limits
        self._entries = entries
        self._size = size
        self._kept: OrderedDict[str, Document | tuple[GraphQLError, ...]] = OrderedDict()
        self._kept_size = 0
        self._threads = anyio.CapacityLimiter(THREADS)
        tell_one_of(schema)

    async def get(self, source: str) -> Document:
        """The document of this text; raises DocumentErrors. New texts are read in a thread: it may take a second."""
        outcome = self._kept.get(source)
        if outcome is None:
            outcome = await anyio.to_thread.run_sync(self._read, source, limiter=self._threads)
            self._keep(source, outcome)
        else:
            self._kept.move_to_end(source)
        if isinstance(outcome, Document):
            return outcome
        raise DocumentErrors(outcome)

    def _keep(self, source: str, outcome: Document | tuple[GraphQLError, ...]) -> None:
        if source in self._kept or len(source) > self._size // 4:
            return
        self._kept[source] = outcome
        self._kept_size += len(source)
        while len(self._kept) > self._entries or self._kept_size > self._size:
            dropped, _ = self._kept.popitem(last=False)
            self._kept_size -= len(dropped)

    def _read(self, source: str) -> Document | tuple[GraphQLError, ...]:
        try:
            ast = parse(
                source, max_lexical_tokens=self._limits.tokens, max_comments=self._limits.tokens
            )
        except GraphQLSyntaxError as error:
            return (self._syntax_error(error),)
        if errors := exceeded(ast, self._limits) or self._invalid(ast):
            return _merged(errors)[: self._limits.validation_errors]
        nodes = [node for node in ast.definitions if isinstance(node, OperationDefinitionNode)]
        if not nodes:
            return (
                _coded(
                    GraphQLError("The document has no operation."),
                    ErrorCode.GRAPHQL_VALIDATION_FAILED,
                ),
            )
        named = {name_of(node): node for node in nodes}
        signatures = {name: self._signatures(node) for name, node in named.items()}
        leaves = {
            name: found
            for name, found in signatures.items()
            if all(_is_leaf(each) for each in found)
        }
        return Document(source, ast, named, *_telling_variables(ast), leaves)

    def _signatures(self, node: OperationDefinitionNode) -> tuple[GraphQLVariableSignature, ...]:
        found = [
            get_variable_signature(self._schema, each) for each in node.variable_definitions or ()
        ]
        return tuple(
            each for each in found if isinstance(each, GraphQLVariableSignature)
        )  # validation saw to the rest

    def _syntax_error(self, error: GraphQLSyntaxError) -> GraphQLError:
        allowed = self._limits.tokens
        if f"more than {allowed} " not in error.message:
            return _coded(error, ErrorCode.GRAPHQL_PARSE_FAILED)
        excess = LimitExceeded(
            f"The document has more than {allowed:,} tokens", "tokens", allowed, allowed + 1
        )
        return GraphQLError(excess.message, original_error=excess)

    def _invalid(self, ast: DocumentNode) -> list[GraphQLError]:
        errors = validate(
            self._schema, ast, RULES, self._limits.validation_errors, hide_suggestions=True
        )
        for error in errors:
            if isinstance(error, ValidationAbortedError):
                error.message = "The document takes too much work to validate."
            if not isinstance(error.original_error, DomainError):
                _coded(error, ErrorCode.GRAPHQL_VALIDATION_FAILED)
        return errors


def name_of(operation: OperationDefinitionNode) -> str:
    """The name of an operation, empty where it has none."""
    return operation.name.value if operation.name else ""


def _is_leaf(signature: GraphQLVariableSignature) -> bool:
    return is_leaf_type(get_named_type(signature.type))


def _telling_variables(ast: DocumentNode) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The variables in directives, and those in arguments that say how many objects are wanted."""
    switches: set[str] = set()
    sizes: set[str] = set()

    class Finder(Visitor):
        def enter_directive(self, node: DirectiveNode, *_rest: Any) -> None:
            switches.update(
                one.value.name.value
                for one in node.arguments or ()
                if isinstance(one.value, VariableNode)
            )

        def enter_argument(self, node: ArgumentNode, *_rest: Any) -> None:
            if node.name.value in SIZES and isinstance(node.value, VariableNode):
                sizes.add(node.value.name.value)

    visit(ast, Finder())
    return tuple(sorted(switches)), tuple(sorted(sizes))


def tell_one_of(schema: GraphQLSchema) -> None:
    """Make graphql-core check the inputs that strawberry calls oneOf, in literals and variables alike.

    Strawberry keeps that knowledge to itself, and its own rule fails on variables inside fragments.
    """
    for type_ in schema.type_map.values():
        if isinstance(type_, GraphQLInputObjectType):
            definition = definition_of(type_)
            type_.is_one_of = type_.is_one_of or bool(getattr(definition, "is_one_of", False))


def _unresolved(message: str) -> DomainError:
    return DomainError(ErrorCode.OPERATION_RESOLUTION_FAILURE, message)


def _coded(error: GraphQLError, code: ErrorCode) -> GraphQLError:
    error.extensions = {"code": code}
    return error.with_traceback(None)


def _merged(errors: Iterable[GraphQLError]) -> tuple[GraphQLError, ...]:
    """The same complaint is made once, with all its places; syntax trees are let go, so that keeping it is cheap."""
    merged: dict[str, GraphQLError] = {}
    for error in errors:
        error.nodes = error.source = None
        first = merged.setdefault(error.message, error)
        if first is not error:
            first.locations = [*(first.locations or ()), *(error.locations or ())]
    return tuple(merged.values())
