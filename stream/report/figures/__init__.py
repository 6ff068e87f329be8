"""What is counted, without I/O: cells of accounts, ledger entries and offers, which add up."""
