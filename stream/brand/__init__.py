# SPDX-License-Identifier: Apache-2.0
"""The apps file: a brand's apps, merchants, first-party clients and their secrets."""
