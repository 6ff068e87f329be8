# SPDX-License-Identifier: Apache-2.0
"""The privacy process: erasure sweeps and answers to export requests."""
