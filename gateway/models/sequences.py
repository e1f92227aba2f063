"""Sequences: counters of numbers that become visible in their order."""

import sqlalchemy as sa
from sqlmodel import Field, SQLModel

from gateway.models.base import KeyString, table_of


class SequenceRecord(SQLModel, table=True):
    """A sequence and the last number that was drawn from it."""

    __tablename__ = "sequences"
    name: str = Field(sa_type=KeyString, primary_key=True)
    value: int = Field(default=0, sa_type=sa.BigInteger)


sequences = table_of(SequenceRecord)
