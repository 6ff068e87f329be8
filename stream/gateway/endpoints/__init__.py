# SPDX-License-Identifier: Apache-2.0
"""The gateway's endpoints: WeChat's two, and those of the brand's own systems."""
