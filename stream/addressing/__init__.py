# SPDX-License-Identifier: Apache-2.0
"""Names and partitions: topic names, the partition of a key, pseudonyms of erased people."""
