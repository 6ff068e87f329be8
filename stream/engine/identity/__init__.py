# SPDX-License-Identifier: Apache-2.0
"""Decide who is one person: bind origins (openids of apps), their aliases, and payers."""
