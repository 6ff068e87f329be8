# SPDX-License-Identifier: Apache-2.0
"""Addresses of the brand's own servers in the apps file."""

from __future__ import annotations

from urllib.parse import urlsplit

from stream.language import apps_messages as say
from stream.yaml_config.value_types import refuse


def base_address(text: str) -> str:
    """An ``http`` or ``https`` address to which paths are appended."""
    if not _is_usable(text) or urlsplit(text).query:
        refuse(say.NO_ADDRESS())
    return text


def whole_address(text: str) -> str:
    """An ``http`` or ``https`` address as it is requested; it may have a query."""
    if not _is_usable(text) or not text.isascii():
        refuse(say.NO_FORWARD_ADDRESS())
    return text


def _is_usable(text: str) -> bool:
    try:
        parts = urlsplit(text)
        usable = parts.scheme in ("https", "http") and parts.hostname and parts.port != 0
    except ValueError:
        return False
    return bool(
        usable
        and not (parts.username or parts.password or parts.fragment)
        and text.isprintable()
        and " " not in text
    )
