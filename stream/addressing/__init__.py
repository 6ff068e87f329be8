"""Names and partitions: topic names, the partition of a key, pseudonyms of erased people."""
