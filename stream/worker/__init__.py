# SPDX-License-Identifier: Apache-2.0
"""The worker process: Faust agents that identify events and reward consumers."""
