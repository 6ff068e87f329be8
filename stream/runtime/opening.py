"""Clients of Kafka are opened whole or not at all."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

from aiokafka.errors import KafkaError

from stream.runtime.admin import TopicsUnfit
from stream.runtime.refusals import why_unusable
from stream.settings import Settings


@asynccontextmanager
async def opening(settings: Settings, close: Callable[[], Awaitable[None]]) -> AsyncIterator[None]:
    """Around all that it takes to open a client: what fails closes it.

    Raises ``TopicsUnfit`` with a sentence for what Kafka refuses.
    """
    try:
        yield
    except (KafkaError, OSError) as error:
        await close()
        raise TopicsUnfit([await why_unusable(settings, error)]) from None
    except BaseException:
        await close()
        raise
