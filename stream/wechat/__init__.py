# SPDX-License-Identifier: Apache-2.0
"""Translates what WeChat sends into events. Pure: no I/O, no clock, no randomness, no async."""
