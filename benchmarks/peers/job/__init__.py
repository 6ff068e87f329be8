# SPDX-License-Identifier: Apache-2.0
"""What all peers do to an event, as plain functions without I/O; they differ in what is around it.

Lean by intent, to the peers' favour: accounts are counters per rule and day, encoded as MessagePack
arrays. There are no duplicate markers, no unbinding, no consents, enrolments or expiry, no dead
letters (what cannot be read raises), no identity events, and a balance is only as good as the last
write that was not lost. What is validated is what the job uses: the types of the fields read.
"""
