# SPDX-License-Identifier: Apache-2.0
"""Figures about all customers: counted from the accounts and topics, and written as tables."""
