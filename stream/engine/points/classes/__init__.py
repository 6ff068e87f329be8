# SPDX-License-Identifier: Apache-2.0
"""Who a consumer is at each instant: a pure function of purchases and one version's definitions.

What counts is bought (``bought``); levels, stages and scores change when something is bought, and
at midnights (``changes``, ``tiers``, ``lifecycle``, ``rfm``); together they are a ``timeline``.
"""
