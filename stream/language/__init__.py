# SPDX-License-Identifier: Apache-2.0
"""Sentences about the files people write, each in English and Chinese."""
