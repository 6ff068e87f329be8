# SPDX-License-Identifier: Apache-2.0
"""An app that WeChat pushes messages for, with its Token, EncodingAESKeys and mode.

These are set in WeChat's console (微信开发者平台, 消息与事件推送).
"""

from __future__ import annotations

import re
from base64 import b64decode
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final, Literal

ENCODING_AES_KEY_CHARS: Final = 43
_ENCODED = re.compile(rf"[A-Za-z0-9+/]{{{ENCODING_AES_KEY_CHARS}}}").fullmatch
_TOKEN = re.compile(r"[A-Za-z0-9]{3,32}").fullmatch


class Mode(StrEnum):
    """Which forms of pushes the account accepts (消息加解密方式).

    In all modes but ``SAFE``, anyone who has seen one signature can forge messages: a plain
    signature does not cover the body. ``COMPATIBLE`` is for the time of a changeover; its
    deliveries contain the message both plain and encrypted, and the encrypted one is read.
    """

    SAFE = "safe"
    COMPATIBLE = "compatible"
    PLAIN = "plain"


@dataclass(frozen=True, slots=True)
class PushAccount:
    """One account; ``aes_keys`` has the current key first, then previous ones.

    ``kind`` is the app's in the directory of apps; ``original_id`` the ``gh_…`` id in its
    messages. ``unfollow`` says whether unfollowing pauses consent or keeps it. With
    ``desk_answers`` messages go to WeChat's customer-service desk.
    """

    appid: str
    original_id: str | None
    kind: str
    token: str = field(repr=False)
    aes_keys: tuple[bytes, ...] = field(default=(), repr=False)
    mode: Mode = Mode.SAFE
    unfollow: Literal["pause", "keep"] = "pause"
    component_appid: str | None = None  # of the third-party platform that runs the account
    desk_answers: bool = False

    @property
    def receiver(self) -> str:
        """The appid that messages are encrypted for: a third-party platform's, or the account's."""
        return self.component_appid or self.appid

    def __post_init__(self) -> None:
        if self.mode != Mode.PLAIN and not self.aes_keys:
            raise ValueError(f"mode {self.mode} needs an EncodingAESKey")


def aes_key(encoding_aes_key: str) -> bytes:
    """The 32 bytes of an EncodingAESKey (Base64 of 43 characters, the last ``=`` left out).

    Raises ``ValueError`` with the problem, never with the key. The last character holds two
    unused bits; WeChat draws it at random, so they are ignored.
    """
    if len(encoding_aes_key) != ENCODING_AES_KEY_CHARS:
        raise ValueError(
            f"an EncodingAESKey has {ENCODING_AES_KEY_CHARS} characters, this has "
            f"{len(encoding_aes_key)}; copy it from WeChat's console"
        )
    if not _ENCODED(encoding_aes_key):
        raise ValueError("an EncodingAESKey has only letters and digits; copy it from the console")
    return b64decode(f"{encoding_aes_key}=")


def checked_token(token: str) -> str:
    """The token, if valid; raises ``ValueError`` with the problem, never with the token."""
    if not _TOKEN(token):
        raise ValueError("a Token has 3 to 32 letters and digits; copy it from WeChat's console")
    return token
