# SPDX-License-Identifier: Apache-2.0
"""The engine: a message and an entity go in, a decision comes out (``stream.engine.decide``).

The rule of this room: no I/O, no clock, no randomness, no async (``tests/engine/test_purity.py``),
and no import of another room but ``schemas`` and ``stream.tables.pieces``. Time is an argument,
``as_of`` in ms.
"""
