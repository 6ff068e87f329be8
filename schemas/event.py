# SPDX-License-Identifier: Apache-2.0
"""An event as it was read."""

from __future__ import annotations

from datetime import datetime

import msgspec

from schemas.base import Closed


class Event(msgspec.Struct, frozen=True, gc=False):
    """An accepted event. ``time_ms`` is ``time`` in milliseconds since the Unix epoch.

    ``id`` is the producer's, normalised by ``schemas.envelope.known_id``.
    """

    id: str
    source: str
    type: str
    time: datetime
    time_ms: int
    data: Closed
