# SPDX-License-Identifier: Apache-2.0
"""Settings from the environment, and the client options that follow from them."""
