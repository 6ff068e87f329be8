"""The values the engine works on: facts, messages, entities, rules, limits, decisions."""
