-- SPDX-License-Identifier: Apache-2.0
-- Become the owner of a partition, unless a newer consumer-group generation has just done so.
--
-- A group which Kafka has forgotten begins to count anew, so a claim is newer than ours for
-- FRESH_MS only. Safety does not depend on it: the epoch fences whoever claimed before.
--
-- KEYS[1]  meta hash
-- ARGV[1]  consumer-group generation
-- ARGV[2]  owner, for people
-- ARGV[3]  id of this claim; a retry carries the same one and finds itself
--
-- Answers {epoch, applied offset, clock, sequence number of the oldest pending output, mark},
-- an empty array when refused. Field names: keys.py.

local FRESH_MS = 60000

local meta = redis.call('HMGET', KEYS[1], 'g', 'e', 'r', 'a', 't', 'h', 'm')
local now = redis.call('TIME')
local now_ms = tonumber(now[1]) * 1000 + math.floor(tonumber(now[2]) / 1000)
local fresh = now_ms - tonumber(meta[2] or '0') < FRESH_MS  -- an epoch is the time of its claim
if meta[1] and tonumber(meta[1]) > tonumber(ARGV[1]) and fresh then
  return {}
end

local epoch = meta[2]
if meta[3] ~= ARGV[3] then
  -- Not simply one more than the last: a Redis restored from a backup would hand out the same
  -- number twice, and a worker which was frozen meanwhile could then commit as its successor.
  epoch = string.format('%.0f', math.max(tonumber(epoch or '0') + 1, now_ms))
  redis.call('HSET', KEYS[1], 'e', epoch, 'g', ARGV[1], 'o', ARGV[2], 'r', ARGV[3], 'k', '0')
end
return {epoch, meta[4] or '-1', meta[5] or '0', meta[6] or '0', meta[7] or ''}
