"""A session's long streams as columns: JSON lines through Arrow's reader, without an object a message."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from workbench.contracts import Message
from workbench.sessions.reader import SessionReader
from workbench.streams import Floats

if TYPE_CHECKING:
    import pyarrow as pa


def read(session: SessionReader, stream: str, schema: list[tuple[str, pa.DataType]]) -> pa.Table | None:
    """The named fields of a stream as one table; None where the stream is empty."""
    import pyarrow as pa
    from pyarrow import json as reader

    fields = pa.schema(schema)
    parse = reader.ParseOptions(explicit_schema=fields, unexpected_field_behavior="ignore")

    def table(data: bytes) -> pa.Table | None:
        if not data or data.isspace():
            return None
        options = reader.ReadOptions(block_size=min(max(len(data), 1), 1 << 24))
        return reader.read_json(io.BytesIO(data), read_options=options, parse_options=parse).select(fields.names)

    try:
        return table(session.raw(stream))
    except pa.ArrowInvalid:  # a damaged line: leave out what the contracts refuse
        messages: list[Message] = session.messages(stream)
        return table(b"".join(m.line().encode() + b"\n" for m in messages))


def column(table: pa.Table, name: str) -> pa.Array:
    return table[name].combine_chunks()


def floats(column: pa.Array) -> Floats:
    return np.asarray(column.to_numpy(zero_copy_only=False), float)


def increasing(stamps: Floats) -> tuple[Floats, NDArray[np.int64]]:
    """Times in strictly increasing order, and the rows that they are; of rows at one time the first written counts."""
    times, rows = np.unique(stamps, return_index=True)
    return times, rows.astype(np.int64)
