# SPDX-License-Identifier: Apache-2.0
"""Replay past events through the engine, without Kafka and Redis: what would these rules have done?

Reading (``event_reader``) turns lines into messages and sorts them by day into spill files on disk.
Applying (``shard``) takes the days in order. Each process owns one shard of the entities, and they
exchange messages in rounds (``run``): a day is over when no shard has a message left for another.

The engine is the same as in the workers, but posting is deferred, because only the final state
matters: an account stores a fact at once, and is evaluated when something depends on it.
"""
