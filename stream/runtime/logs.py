"""What may be logged: libraries not below INFO, whatever our own level is.

At DEBUG aiokafka logs every request and every answer: bodies and keys of records, so ids of
people, and with SASL PLAIN the password. Faust and mode print the messages they hand on.
"""

from __future__ import annotations

import logging
from typing import Final

LIBRARIES: Final = ("aiokafka", "asyncio", "faust", "mode", "redis")


def quiet_libraries(log_level: str) -> None:
    """Keep libraries at INFO, or at ``log_level`` where that is less; before logging is set up."""
    level = max(logging.INFO, logging.getLevelNamesMapping()[log_level])
    for name in LIBRARIES:
        logging.getLogger(name).setLevel(level)
