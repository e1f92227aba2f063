"""Which failures are faults of this program, so that another attempt would fail as well."""

import sqlalchemy as sa

from gateway.stores.base import MissingObject

_FAULTS: tuple[type[BaseException], ...] = (
    ArithmeticError,
    AssertionError,
    AttributeError,
    ImportError,
    LookupError,
    NameError,
    NotImplementedError,
    RecursionError,
    TypeError,
    # A statement that the database does not accept, or a row that breaks a constraint.
    sa.exc.ArgumentError,
    sa.exc.CompileError,
    sa.exc.DataError,
    sa.exc.IntegrityError,
    sa.exc.InvalidRequestError,
    sa.exc.ProgrammingError,
    # A file of ours that is gone does not come back.
    FileNotFoundError,
    IsADirectoryError,
    NotADirectoryError,
    MissingObject,
)


def is_own_fault(error: BaseException) -> bool:
    """Return whether a failure is due to the program or to its data, and not to circumstances.

    Everything else may be transient: networks, other servers, locks, resources that are used up.
    """
    if isinstance(error, BaseExceptionGroup):
        return any(map(is_own_fault, error.exceptions))
    # Classes derived from ValueError are about input, such as an odd response of another server.
    return isinstance(error, _FAULTS) or type(error) is ValueError
