"""What is counted, without I/O: counts of accounts, ledger entries and offers, which add up."""
