# SPDX-License-Identifier: Apache-2.0
"""Generate a sample day of two brands, run it through the engine, and audit the result."""
