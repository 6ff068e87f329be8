"""The resolver: asks WeChat whose Union ID an openid has, while it is still possible.

Start at `stream.resolver.planner`, which decides and keeps no clock; `stream.resolver.service`
does the work.
"""
