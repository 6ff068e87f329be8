"""Past events through the core, without Kafka and Redis: what would a rule file have done?

Reading (``intake``) turns lines into messages and sorts them by day into a spool on disk; applying
(``share``) takes the days in order. Entities are divided among processes, which talk in rounds
(``run``): a day is over when nobody has anything left to say.

The core is the workers' own. It is told to defer posting, since only the end is of interest: an
account takes in a fact at the cost of looking it up, and is tallied when something depends on it.
"""
