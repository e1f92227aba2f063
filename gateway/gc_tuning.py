"""Settings of Python's garbage collector."""

import gc

_YOUNG_OBJECTS = 20_000
"""New objects before a collection. Python's default of 700 is less than one answer creates."""
_YOUNG_COLLECTIONS = 2
"""Collections of new objects before one of all that have survived since, which pauses the process.

With 5, the longest was 115 ms while clients sent many new documents; with 2, it was 45 to 57 ms.
"""
_SURVIVOR_COLLECTIONS = 200
"""Collections of survivors before one of all objects: 8 million new objects."""


def collect_rarely() -> None:
    """Collect garbage less often than by default.

    Modules and the schema are objects that stay: to collect less often takes a tenth off the time
    in which they are imported. Collections took a third of the time of large answers.
    """
    gc.set_threshold(_YOUNG_OBJECTS, _YOUNG_COLLECTIONS, _SURVIVOR_COLLECTIONS)


def relax_gc() -> None:
    """Exempt modules and the schema from collection, and collect everything else less often."""
    gc.collect()
    gc.freeze()
    collect_rarely()
