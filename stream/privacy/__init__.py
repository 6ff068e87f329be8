"""The privacy process: erasure sweeps and answers to export requests."""
