# SPDX-License-Identifier: Apache-2.0
"""An account's points: what facts earn, the balance, the ledger, offers, the archive."""
