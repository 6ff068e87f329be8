# SPDX-License-Identifier: Apache-2.0
"""Deliver events to a receiver by signed HTTP requests, in order of each consumer.

A process of its own, for a CRM that does not read Kafka. ``docs/webhooks.md`` has the contract.
"""
