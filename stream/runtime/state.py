"""The tables of a deployment, as its settings say."""

from __future__ import annotations

from collections.abc import Callable

from stream.runtime.pseudonyms import id_of
from stream.runtime.security import hash_secret, redis_options
from stream.settings import Settings
from stream.tables import Tables, open_tables


def tables_of(settings: Settings, on_retry: Callable[[Exception], None] | None = None) -> Tables:
    """Await ``open()`` of it before anything else; raises ``SettingsInvalid``."""
    return open_tables(
        settings.redis_url,
        partitions=settings.partitions,
        namespace=settings.namespace,
        cluster=settings.redis_cluster,
        on_retry=on_retry,
        client_options=redis_options(settings),
        secret_id=id_of(hash_secret(settings)),
    )


async def check_tables(settings: Settings) -> None:
    """Raises ``TablesUnavailable`` unless the tables can be opened."""
    tables = tables_of(settings)
    try:
        await tables.open()
    finally:
        await tables.close()
