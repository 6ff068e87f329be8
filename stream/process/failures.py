# SPDX-License-Identifier: Apache-2.0
"""Describe an exception without its text, which may hold personal data."""

from __future__ import annotations


def describe_failure(error: BaseException) -> str:
    """Type and code position of an exception, without its text."""
    traceback, place = error.__traceback__, "?"
    while traceback is not None:
        code = traceback.tb_frame.f_code
        place = f"{code.co_qualname}:{traceback.tb_lineno}"
        traceback = traceback.tb_next
    return f"{type(error).__name__} in {place}"
