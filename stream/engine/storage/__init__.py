# SPDX-License-Identifier: Apache-2.0
"""Entities as bytes."""
