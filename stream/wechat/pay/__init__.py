# SPDX-License-Identifier: Apache-2.0
"""Verifies and decrypts WeChat Pay v3 notifications and translates them into events."""
