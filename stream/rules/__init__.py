# SPDX-License-Identifier: Apache-2.0
"""Rule files: read, check and compile them to the plain values that the engine reads."""
