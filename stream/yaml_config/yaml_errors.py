# SPDX-License-Identifier: Apache-2.0
"""Say in sentences why PyYAML could not read a text."""

from __future__ import annotations

import re
from typing import Final

import yaml

from stream.language import yaml_messages as say
from stream.language.message import Message, Phrase

#: PyYAML's words (scanner.py, parser.py and composer.py of version 6) and ours.
_REASONS: Final[tuple[tuple[re.Pattern[str], Message], ...]] = tuple(
    (re.compile(pattern), message)
    for pattern, message in (
        (r"could not find expected ':'", say.NO_COLON),
        (r"mapping values are not allowed here", say.COLON_OUT_OF_PLACE),
        (r"sequence entries are not allowed here", say.DASH_OUT_OF_PLACE),
        (r"found character '\\t' that cannot start any token", say.TAB),
        (r"found character (?P<character>'.+') that cannot start any token", say.CANNOT_START),
        (r"found unexpected (?:end of stream|document separator)", say.QUOTE_NOT_CLOSED),
        (r"expected ',' or '(?P<closing>[\]}])', but got .*", say.COMMA_OR_END_EXPECTED),
        (r"invalid indentation or unclosed '\[' or '{'", say.INDENTED_OTHERWISE),
        (r"expected <block end>, but found .*", say.INDENTED_OTHERWISE),
        (r"expected the node content, but found .*", say.VALUE_EXPECTED),
        (r"but found another document|expected '<document start>', .*", say.SECOND_DOCUMENT),
        (r"found unknown escape character (?P<character>'.+')", say.UNKNOWN_ESCAPE),
    )
)


def reason_of(error: yaml.MarkedYAMLError) -> tuple[Phrase, yaml.Mark | None]:
    """What is wrong, and where; a quote that is never closed is where it is opened."""
    problem = error.problem or error.context or "?"
    mark = error.problem_mark or error.context_mark
    for pattern, message in _REASONS:
        if found := pattern.fullmatch(problem):
            if message is say.QUOTE_NOT_CLOSED and error.context_mark:
                mark = error.context_mark
            return message(**found.groupdict()), mark
    return say.IN_THE_PARSERS_WORDS(problem=problem), mark
