-- SPDX-License-Identifier: Apache-2.0
-- Put nothing in the place of one pending output: the numbers of the others stay.
--
-- KEYS[1]  meta hash
-- KEYS[2]  pending output, list
-- ARGV[1]  sequence number
--
-- Answers whether it was pending. Field names: keys.py.

local at = tonumber(ARGV[1]) - tonumber(redis.call('HGET', KEYS[1], 'h') or '0')
if at < 0 or at >= redis.call('LLEN', KEYS[2]) or redis.call('LINDEX', KEYS[2], at) == '' then
  return 0
end
redis.call('LSET', KEYS[2], at, '')
return 1
