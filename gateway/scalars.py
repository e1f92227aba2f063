"""Names of the scalars for inputs; `schema.scalars` defines how they are parsed and serialized."""

from typing import NewType

BigInt = NewType("BigInt", int)
JSON = NewType("JSON", object)
URL = NewType("URL", str)
