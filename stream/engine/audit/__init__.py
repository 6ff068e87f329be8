# SPDX-License-Identifier: Apache-2.0
"""Explaining an account line by line, and verifying it from outside."""
