"""How often a server looks through its memory."""

import gc

_NEW_ONES = 20_000
"""Objects that are made before the youngest are looked at: Python's 700 are fewer than one answer has."""


def relax_gc() -> None:
    """Leave what is there for good, schema and modules, and look at the rest less often than Python would.

    Looking at it all again and again took a third of the time of large answers.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(_NEW_ONES, 20, 20)
