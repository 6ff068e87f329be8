# SPDX-License-Identifier: Apache-2.0
"""Read YAML configuration files, validate them, and report every problem with its position."""
