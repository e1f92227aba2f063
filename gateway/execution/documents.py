"""Source text as valid documents: parsed, measured and validated once per text."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import anyio
import anyio.to_thread
from graphql import (
    ArgumentNode,
    ASTValidationRule,
    DirectiveNode,
    DocumentNode,
    FieldNode,
    GraphQLError,
    GraphQLInputObjectType,
    GraphQLSchema,
    GraphQLSyntaxError,
    OperationDefinitionNode,
    VariableNode,
    parse,
    specified_rules,
    validate,
)

from gateway.errors import DomainError, ErrorCode
from gateway.execution.cache import Cache
from gateway.execution.combined_rules import combined
from gateway.execution.input_checks import StorableLiterals
from gateway.execution.limits import LimitExceeded, exceeded
from gateway.execution.private_apis import (
    GraphQLVariableSignature,
    ValidationAbortedError,
    definition_of,
    get_variable_signature,
)
from gateway.execution.scopes import Scopes, scopes_needed
from gateway.execution.syntax_trees import nodes_in
from gateway.execution.variable_coercion import Variable, coercion_of
from gateway.limits import Limits

RULES = (*specified_rules, StorableLiterals)
COST_ARGUMENTS = frozenset(
    {"first", "last", "uuids", "ids", "filter", "orderBy", "by", "recursive", "input"}
)
"""Arguments that say how many objects are requested, and how the database has to find them."""
MAX_ROOT_FIELDS = 5
"""Fields by which the log shows an operation without a name."""
MAX_THREADS = 2
"""Threads that read documents, so that hostile ones cannot occupy those of the other work."""

_Errors = tuple[GraphQLError, ...]


@dataclass(frozen=True, slots=True)
class Document:
    """A valid document.

    Args:
        operations: by name; that of an anonymous operation is empty.
        switches: the variables in directives, on which it depends what is selected.
        priced: the variables on which the cost depends.
        variables: the variables of each operation.
        scopes: the scopes that each operation needs.
    """

    source: str
    ast: DocumentNode
    operations: Mapping[str, OperationDefinitionNode]
    switches: tuple[str, ...] = ()
    priced: tuple[str, ...] = ()
    variables: Mapping[str, tuple[Variable, ...]] = field(default_factory=dict)
    scopes: Mapping[str, Scopes] = field(default_factory=dict)

    def is_introspection(self, operation: OperationDefinitionNode) -> bool:
        """Return whether an operation selects nothing but the schema."""
        fields = operation.selection_set.selections
        return all(
            isinstance(field, FieldNode) and field.name.value.startswith("__") for field in fields
        )

    def operation(self, name: str | None) -> OperationDefinitionNode:
        """Return the operation of a name, or the only one.

        Raises:
            DomainError: `OPERATION_RESOLUTION_FAILURE`.
        """
        if not name and len(self.operations) > 1:
            message = "The document has several operations: pass operationName to choose one."
            raise DomainError(ErrorCode.OPERATION_RESOLUTION_FAILURE, message)
        operation = self.operations.get(name) if name else next(iter(self.operations.values()))
        if operation is None:
            message = f"The document has no operation named {name!r}."
            raise DomainError(ErrorCode.OPERATION_RESOLUTION_FAILURE, message)
        return operation


class DocumentErrors(Exception):
    """Raised for a document that cannot be executed.

    Each of its GraphQL errors has `extensions.code`, or a domain error as its cause.
    """

    def __init__(self, errors: Sequence[GraphQLError]) -> None:
        super().__init__("; ".join(error.message for error in errors))
        self.errors = errors


class Documents:
    """The documents of one schema, valid or not, in a least-recently-used cache.

    It holds at most `entries` documents, whose texts have at most `size` characters together. A
    syntax tree takes about 80 bytes per character of an ordinary text, and up to 300 of a hostile
    one.
    """

    def __init__(
        self,
        schema: GraphQLSchema,
        limits: Limits,
        rules: Collection[type[ASTValidationRule]] = RULES,
        entries: int = 1_000,
        size: int = 512_000,
    ) -> None:
        self._schema = schema
        self._limits = limits
        self._rules = (combined(rules),)
        self._cache: Cache[Document | _Errors] = Cache(entries, size)
        self._threads = anyio.CapacityLimiter(MAX_THREADS)
        mark_one_of_inputs(schema)

    async def get(self, source: str) -> Document:
        """Return the document of a text. A new text is read in a thread, which may take a second.

        Raises:
            DocumentErrors: the document is not valid.
        """
        outcome = self._cache.get(source)
        if outcome is None:
            outcome = await anyio.to_thread.run_sync(self._read, source, limiter=self._threads)
            self._cache.put(source, outcome, len(source))
        if isinstance(outcome, Document):
            return outcome
        raise DocumentErrors(outcome)

    def _read(self, source: str) -> Document | _Errors:
        """Return the document of a text, or its errors."""
        limits = self._limits
        try:
            ast = parse(source, max_lexical_tokens=limits.tokens, max_comments=limits.tokens)
        except GraphQLSyntaxError as error:
            if f"more than {limits.tokens} " not in error.message:
                return (_with_code(error, ErrorCode.GRAPHQL_PARSE_FAILED),)
            message = f"The document has more than {limits.tokens:,} tokens (limit: tokens)."
            excess = LimitExceeded(message, "tokens", limits.tokens, limits.tokens + 1)
            return (GraphQLError(excess.message, original_error=excess),)
        if errors := exceeded(ast, limits) or self._validate(ast):
            return _merge(errors)[: limits.validation_errors]
        operations = {
            name_of(node): node
            for node in ast.definitions
            if isinstance(node, OperationDefinitionNode)
        }
        if not operations:
            empty = GraphQLError("The document has no operation.")
            return (_with_code(empty, ErrorCode.GRAPHQL_VALIDATION_FAILED),)
        variables = {
            name: tuple(
                Variable(signature, coercion_of(signature.type))
                for definition in operation.variable_definitions or ()
                # Validation has refused what has no signature.
                if isinstance(
                    signature := get_variable_signature(self._schema, definition),
                    GraphQLVariableSignature,
                )
            )
            for name, operation in operations.items()
        }
        scopes = {
            name: scopes_needed(self._schema, ast, operation)
            for name, operation in operations.items()
        }
        return Document(source, ast, operations, *_deciding_variables(ast), variables, scopes)

    def _validate(self, ast: DocumentNode) -> list[GraphQLError]:
        """Return the errors of a document, each with a code."""
        errors = validate(
            self._schema, ast, self._rules, self._limits.validation_errors, hide_suggestions=True
        )
        for error in errors:
            if isinstance(error, ValidationAbortedError):
                error.message = "The document takes too much work to validate."
            if not isinstance(error.original_error, DomainError):
                _with_code(error, ErrorCode.GRAPHQL_VALIDATION_FAILED)
        return errors


def name_of(operation: OperationDefinitionNode) -> str:
    """Return the name of an operation, empty where it has none."""
    return operation.name.value if operation.name else ""


def root_fields_of(operation: OperationDefinitionNode) -> list[str]:
    """Return the first fields at the root of an operation, by which one without a name is known.

    Each comes once; fields in fragments are left out.
    """
    selections = operation.selection_set.selections
    names = (node.name.value for node in selections if isinstance(node, FieldNode))
    return [*dict.fromkeys(names)][:MAX_ROOT_FIELDS]


def _deciding_variables(ast: DocumentNode) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return the variables in directives, and those in arguments on which the cost depends."""
    switches: set[str] = set()
    priced: set[str] = set()
    for node in nodes_in(ast):
        if isinstance(node, DirectiveNode):
            for argument in node.arguments or ():
                if isinstance(argument.value, VariableNode):
                    switches.add(argument.value.name.value)
        elif isinstance(node, ArgumentNode) and node.name.value in COST_ARGUMENTS:
            variables = (each for each in nodes_in(node.value) if isinstance(each, VariableNode))
            priced.update(variable.name.value for variable in variables)
    return tuple(sorted(switches)), tuple(sorted(priced))


def mark_one_of_inputs(schema: GraphQLSchema) -> None:
    """Let graphql-core check the inputs that are `@oneOf`, in literals and variables alike.

    Strawberry does not pass this on, and its own rule fails on variables inside fragments.
    """
    for type_ in schema.type_map.values():
        if isinstance(type_, GraphQLInputObjectType):
            definition = definition_of(type_)
            type_.is_one_of = type_.is_one_of or bool(getattr(definition, "is_one_of", False))


def _with_code(error: GraphQLError, code: ErrorCode) -> GraphQLError:
    error.extensions = {"code": code}
    return error.with_traceback(None)


def _merge(errors: Iterable[GraphQLError]) -> _Errors:
    """Merge errors of the same message into one with all locations.

    They lose their syntax trees, so that they are cheap to cache.
    """
    merged: dict[str, GraphQLError] = {}
    for error in errors:
        error.nodes = error.source = None
        first = merged.setdefault(error.message, error)
        if first is not error:
            first.locations = [*(first.locations or ()), *(error.locations or ())]
    return tuple(merged.values())
