"""The rate at which the viewer may run operations."""

from gateway.context import Context
from gateway.execution.rates import CHARGED, Charge
from gateway.volatile import note_volatile


async def current_rate(context: Context) -> Charge | None:
    """The viewer's rate on this gateway, and the cost of this operation.

    Null where rates are not limited.
    """
    note_volatile()
    return CHARGED.get()
