"""Addresses of the brand's own servers in the apps file."""

from __future__ import annotations

from urllib.parse import urlsplit

from stream.yaml_config.value_types import refuse


def base_address(text: str) -> str:
    """An ``http`` or ``https`` address to which paths are appended."""
    if not _is_usable(text) or urlsplit(text).query:
        refuse("must be an address such as https://tickets.abc.example, without user and query")
    return text


def whole_address(text: str) -> str:
    """An ``http`` or ``https`` address as it is requested; it may have a query."""
    if not _is_usable(text) or not text.isascii():
        refuse("must be an address such as https://crm.abc.example/wechat, without user")
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
