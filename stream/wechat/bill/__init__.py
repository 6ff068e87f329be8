# SPDX-License-Identifier: Apache-2.0
"""Reads WeChat Pay's daily trade bill (交易账单) line by line. Pure: no I/O, no clock.

Source: pay.weixin.qq.com/docs/merchant/products/bill-download/format-trade.html.
"""
