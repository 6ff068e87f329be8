# SPDX-License-Identifier: Apache-2.0
"""The resolver: look up the Union IDs of openids with WeChat, while WeChat still answers.

Start at `stream.resolver.planner`, which decides when each lookup is made and has no clock of its
own. `stream.resolver.service` runs it.
"""
