# SPDX-License-Identifier: Apache-2.0
"""The lines of an order: what was bought. Any source of orders may have them in this shape.

They are details: a line, or a value of one, that cannot be read is left out, and the order stays.
"""

from __future__ import annotations

from typing import Annotated, Any, Final

from pydantic import BeforeValidator, Field, ValidationError, model_validator

from schemas.base import Closed, Fen, Id, text
from schemas.source import FieldTypes

LINES_MAX: Final = 100  # of one order; the rest are left out
QUANTITY_MAX: Final = 1_000_000
CATEGORY_CHARS_MAX: Final = 64


class OrderLine(Closed):
    """``quantity`` pieces of one article; ``price_fen`` is paid for all of them together.

    ``product_id`` is the seller's article, ``sku_id`` the form of it that was bought, ``category``
    the seller's name for what kind of article it is. One of them is there.
    """

    product_id: Id | None = None
    sku_id: Id | None = None
    category: Annotated[str, text(CATEGORY_CHARS_MAX, min_length=1)] | None = None
    quantity: Annotated[int, Field(ge=1, le=QUANTITY_MAX)] | None = None
    price_fen: Fen | None = None

    @model_validator(mode="after")
    def _names_something(self) -> OrderLine:
        if self.product_id is None and self.sku_id is None and self.category is None:
            raise ValueError("a line has a product_id, a sku_id or a category")
        return self


def _readable(value: object) -> object:
    """The lines that can be read."""
    found = map(_line, value[:LINES_MAX] if isinstance(value, list | tuple) else ())
    return tuple(line for line in found if line is not None)


def _line(value: Any) -> OrderLine | None:
    if not isinstance(value, dict):
        return value if isinstance(value, OrderLine) else None
    known = {name: value[name] for name in OrderLine.model_fields if name in value}
    try:
        return OrderLine.model_validate(known)
    except ValidationError as error:
        wrong = {found["loc"][0] for found in error.errors(include_url=False) if found["loc"]}
    readable = {name: item for name, item in known.items() if name not in wrong}
    return _line(readable) if wrong else None


OrderLines = Annotated[
    tuple[OrderLine, ...],
    Field(strict=False, max_length=LINES_MAX),
    BeforeValidator(_readable, json_schema_input_type=list[OrderLine | Any] | Any),
]

#: Before the name of a field of a line, where rules test it.
LINE: Final = "line."
#: What rules may test of an order with lines: how many different ones there are, and one line.
LINES_FIELDS: Final[FieldTypes] = {
    "categories": int,
    "products": int,
    f"{LINE}product_id": str,
    f"{LINE}sku_id": str,
    f"{LINE}category": str,
    f"{LINE}quantity": int,
    f"{LINE}price_fen": int,
}
