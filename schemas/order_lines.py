"""The lines of an order: what was bought. Any source of orders may have them in this shape.

The engine does not read them yet: they are the basis for rules about articles.
"""

from __future__ import annotations

from typing import Annotated, Final

from pydantic import Field

from schemas.base import Closed, Fen, Id

LINES_MAX: Final = 100  # of one order; a source leaves out the rest
QUANTITY_MAX: Final = 1_000_000


class OrderLine(Closed):
    """``quantity`` pieces of one article; ``price_fen`` is paid for all of them together.

    ``product_id`` is the seller's article, ``sku_id`` the form of it that was bought.
    """

    product_id: Id
    sku_id: Id | None = None
    quantity: Annotated[int, Field(ge=1, le=QUANTITY_MAX)]
    price_fen: Fen


OrderLines = Annotated[tuple[OrderLine, ...], Field(strict=False, max_length=LINES_MAX)]
