# SPDX-License-Identifier: Apache-2.0
"""Faults on real parts: processes killed, frozen, rolled back, while a day goes through."""
