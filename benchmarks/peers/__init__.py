# SPDX-License-Identifier: Apache-2.0
"""The same job by other means. Nothing here imports shadowpoints or the rest of the benchmark."""
