# SPDX-License-Identifier: Apache-2.0
"""The values the engine works on: facts, messages, entities, rules, limits, decisions."""
