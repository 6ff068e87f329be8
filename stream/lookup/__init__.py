# SPDX-License-Identifier: Apache-2.0
"""Read the stored state: entities, erasures, rules in force, and the progress of the stages."""
