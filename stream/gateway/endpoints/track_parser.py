# SPDX-License-Identifier: Apache-2.0
"""Reads the requests of the Sensors SDKs (神策): a form whose field is Base64 of JSON. Pure.

``data`` holds one track, ``data_list`` an array of them. With ``gzip=1`` the JSON is compressed.
``crc``, in a field of its own or in ``ext``, is Java's hash code of the Base64 text. The SDKs of
mini-programs post the form as ``text/plain``, those of web pages may put it in the query of a GET.
"""

from __future__ import annotations

import zlib
from base64 import b64decode
from collections.abc import Mapping, Sequence
from typing import Final
from urllib.parse import parse_qsl

import numpy as np
import orjson

from stream.wechat.delivery_result import DeliveryRejected, RejectReason

TRACKS_MAX: Final = 200  # the SDK of web pages keeps as many until it is online
JSON_BYTES_MAX: Final = 1_048_576
_FIELDS_MAX: Final = 32
_GZIP: Final = 16 + zlib.MAX_WBITS  # a header of gzip


def read_tracks(query: Mapping[str, str], body: bytes) -> Sequence[object]:
    """The tracks of a request; raises ``DeliveryRejected`` if it is none of an SDK's."""
    form = _form(body) if body else query
    if ("data" in form) == ("data_list" in form):
        raise _malformed("The form needs data or data_list, as the SDKs send them.")
    name = "data" if "data" in form else "data_list"
    text = form[name].replace(" ", "+")  # a plus that was not escaped
    _check_crc(text, form)
    tree = _tree(text, form.get("gzip", "0"), name)
    tracks = [tree] if name == "data" else tree
    if not isinstance(tracks, list) or not tracks:
        raise _malformed("data_list must hold an array of tracks.")
    if len(tracks) > TRACKS_MAX:
        raise DeliveryRejected(
            RejectReason.TOO_LARGE, f"A request may have {TRACKS_MAX} tracks; send fewer."
        )
    return tracks


def _form(body: bytes) -> dict[str, str]:
    try:
        return dict(parse_qsl(body.decode("ascii").strip(), max_num_fields=_FIELDS_MAX))
    except ValueError:
        raise _malformed("The body is not a form.") from None


def _check_crc(text: str, form: Mapping[str, str]) -> None:
    ext = dict(parse_qsl(form.get("ext", ""), max_num_fields=_FIELDS_MAX))
    given = form.get("crc", ext.get("crc"))
    if given is not None and given != str(hash_code(text)):
        raise _malformed("crc is not that of the data; it was cut or changed on its way.")


def hash_code(text: str) -> int:
    """Java's ``String.hashCode``: an integer of 32 bits with a sign."""
    units = np.frombuffer(text.encode("utf-16-le"), np.uint16).astype(np.uint32)
    weights = np.full(len(units), 31, np.uint32)
    weights[:1] = 1
    return int(
        np.sum(units * np.cumprod(weights, dtype=np.uint32)[::-1], dtype=np.uint32).view("i4")
    )


def _tree(text: str, gzip: str, name: str) -> object:
    try:
        raw = b64decode(text, validate=True)
    except ValueError:
        raise _malformed(f"{name} is not Base64.") from None
    if gzip not in ("0", "1"):
        raise _malformed("gzip must be 0 or 1; encrypted tracks are not read.")
    try:
        return orjson.loads(_inflated(raw) if gzip == "1" else raw)
    except orjson.JSONDecodeError:
        raise _malformed(f"{name} does not hold JSON in UTF-8.") from None


def _inflated(raw: bytes) -> bytes:
    inflate = zlib.decompressobj(_GZIP)
    try:
        content = inflate.decompress(raw, JSON_BYTES_MAX)
    except zlib.error:
        raise _malformed("gzip is 1, but the data are not compressed so.") from None
    if inflate.unconsumed_tail:
        raise DeliveryRejected(
            RejectReason.TOO_LARGE, f"The tracks may have {JSON_BYTES_MAX} bytes; send fewer."
        )
    if not inflate.eof:
        raise _malformed("The compressed data were cut on their way.")
    return content


def _malformed(message: str) -> DeliveryRejected:
    return DeliveryRejected(RejectReason.MALFORMED, message)
