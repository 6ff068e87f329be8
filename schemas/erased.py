# SPDX-License-Identifier: Apache-2.0
"""The tombstone that replaces a record about an erased person, on every topic of ours."""

from __future__ import annotations

from schemas.base import Closed

RECORD_ERASED = "record.erased.v1"


class RecordErased(Closed):
    """Forget the event whose id is the subject. There are no data: the value is null.

    The key of the record is the same id, so that Kafka's compaction removes the event. ``time`` is
    when the person was erased.
    """
