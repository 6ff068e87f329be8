# SPDX-License-Identifier: Apache-2.0
"""The gateway: publishes to Kafka what WeChat and the brand's own systems send over HTTP."""
