# SPDX-License-Identifier: Apache-2.0
"""Characters that look like those of YAML and are not: what Chinese input methods write.

Each stands for one ASCII character. In a text they are right; elsewhere they are slips.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final, NamedTuple

from stream.language import yaml_messages as say
from stream.language.message import Message, Said


class Lookalike(NamedTuple):
    """What to write in place of a character, and what the character is."""

    right: str
    kind: Message


def _full_width() -> dict[str, Lookalike]:
    """U+FF01 to U+FF5E are the printable characters of ASCII once more."""
    kinds = {
        ":": say.FULL_WIDTH_COLON,
        ",": say.FULL_WIDTH_COMMA,
        **dict.fromkeys("{}", say.FULL_WIDTH_BRACE),
        **dict.fromkeys("[]", say.FULL_WIDTH_BRACKET),
        **dict.fromkeys("()", say.FULL_WIDTH_PARENTHESIS),
        **dict.fromkeys("\"'", say.FULL_WIDTH_QUOTE),
        **dict.fromkeys("0123456789", say.FULL_WIDTH_DIGIT),
    }
    found = {}
    for code in range(0x21, 0x7F):
        right = chr(code)
        otherwise = say.FULL_WIDTH_LETTER if right.isalpha() else say.FULL_WIDTH
        found[chr(code + 0xFEE0)] = Lookalike(right, kinds.get(right, otherwise))
    return found


LOOKALIKES: Final[Mapping[str, Lookalike]] = MappingProxyType(
    {
        **_full_width(),
        **dict.fromkeys("“”„‟", Lookalike('"', say.CURLY_QUOTE)),
        **dict.fromkeys("‘’‚‛", Lookalike("'", say.CURLY_QUOTE)),
        **dict.fromkeys("「」『』", Lookalike('"', say.CORNER_QUOTE)),
        "、": Lookalike(",", say.ENUMERATION_COMMA),
        "。": Lookalike(".", say.CHINESE_FULL_STOP),
        "【": Lookalike("[", say.BLACK_BRACKET),
        "】": Lookalike("]", say.BLACK_BRACKET),
        **dict.fromkeys("‐‑‒–—―−", Lookalike("-", say.LONG_DASH)),
        "\u3000": Lookalike(" ", say.IDEOGRAPHIC_SPACE),
        "\u00a0": Lookalike(" ", say.NO_BREAK_SPACE),
    }
)
#: An opening character and the one that closes it.
PAIRS: Final = MappingProxyType(dict(zip("“‘「『｛［（【＂＇", "”’」』｝］）】＂＇", strict=True)))
_QUOTES: Final = frozenset("\"'“”„‟‘’‚‛「」『』＂＇")


def sentence_about(character: str, right: str) -> Said:
    """What a character is, and what to write."""
    kind = LOOKALIKES[character].kind()
    if right == " ":
        return say.WIDE_SPACE(kind=kind)
    return say.LOOKALIKE(found=character, kind=kind, right=right)


def right_for(text: str, at: int) -> str:
    """What to write in place of the lookalike at an index.

    YAML wants a space after a colon and after the dash of an entry; the full-width ones bring
    their own.
    """
    right, after = LOOKALIKES[text[at]].right, text[at + 1 : at + 2]
    if not after or after.isspace() or right not in ":-":
        return right
    line = text[text.rfind("\n", 0, at) + 1 : at]
    begins_entry = not line.strip("- \u3000\u00a0")
    is_time = line[-1:].isdigit() and after.isdigit()
    wants_space = begins_entry if right == "-" else not is_time
    return f"{right} " if wants_space else right


def lookalikes_in(text: str, start: int = 0, end: int | None = None) -> list[int]:
    """The indexes of lookalikes in a slice of a text."""
    return [i for i in range(start, len(text) if end is None else end) if text[i] in LOOKALIKES]


def is_slip_in_word(word: str, at: int) -> bool:
    """Whether the lookalike at an index is hardly meant.

    Beside Chinese characters punctuation is right; full-width letters and digits never are.
    """
    return LOOKALIKES[word[at]].right.isalnum() or not any("\u4e00" <= c <= "\u9fff" for c in word)


def ends_in_quotes(text: str) -> bool:
    """Whether a text begins and ends with quotation marks of any kind, and has no others."""
    return len(text) > 1 and [i for i, c in enumerate(text) if c in _QUOTES] == [0, len(text) - 1]


def quotes_match(first: str, last: str) -> bool:
    """Whether marks of a text open and close one another."""
    return first != last and PAIRS.get(first) == last
