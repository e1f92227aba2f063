"""The names under which inputs know the scalars; `schema.scalars` says how they are read and written."""

from typing import NewType

BigInt = NewType("BigInt", int)
JSON = NewType("JSON", object)
URL = NewType("URL", str)
