# SPDX-License-Identifier: Apache-2.0
"""Commands of ``shadowpoints`` which have a file of their own."""
