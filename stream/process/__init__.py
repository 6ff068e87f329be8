# SPDX-License-Identifier: Apache-2.0
"""What every process needs: a clock, logs, a health server, metrics; nothing about loyalty."""
