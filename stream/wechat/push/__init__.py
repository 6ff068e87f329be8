# SPDX-License-Identifier: Apache-2.0
"""Translates message pushes (消息推送) of Official Accounts and mini-programs into events."""
