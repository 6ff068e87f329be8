# SPDX-License-Identifier: Apache-2.0
"""Turn events into facts, and facts into messages to the entities they are about."""
