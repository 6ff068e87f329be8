# SPDX-License-Identifier: Apache-2.0
"""Set up logging; the Kafka and Redis clients never log below INFO.

At DEBUG aiokafka logs requests and answers whole: keys and bodies of records, and so ids of
people, and with SASL PLAIN the password. redis-py logs little, but promises nothing. Faust logs
partitions and services; of a message it would show a ``Batch``, which prints as its offsets.
"""

from __future__ import annotations

import logging
from typing import Final

CLIENTS: Final = ("aiokafka", "redis")


def quiet_clients(log_level: str) -> None:
    """Keep them at INFO, or at ``log_level`` if that is higher; call before logging is set up."""
    level = max(logging.INFO, logging.getLevelNamesMapping()[log_level])
    for name in CLIENTS:
        logging.getLogger(name).setLevel(level)


def start_logging(log_level: str) -> None:
    """Log to stderr, in a process without Faust."""
    quiet_clients(log_level)
    logging.basicConfig(
        level=log_level,
        format="[%(asctime)s] [%(process)d] [%(levelname)s] %(message)s",
    )
