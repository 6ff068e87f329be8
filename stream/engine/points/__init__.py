"""An account's points: what facts earn, the balance, the ledger, offers, the archive."""
