# SPDX-License-Identifier: Apache-2.0
"""Find the people that messages and entities name, and remove those who were erased."""
