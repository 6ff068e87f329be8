# SPDX-License-Identifier: Apache-2.0
"""What is counted, without I/O: counts of accounts, ledger entries and offers, which add up."""
