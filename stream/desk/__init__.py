# SPDX-License-Identifier: Apache-2.0
"""The operator's desk: pages about what the engine knows, for people, on loopback."""
