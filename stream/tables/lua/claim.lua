-- Become the owner of a partition, unless a newer consumer-group generation already is.
--
-- KEYS[1]  meta hash
-- ARGV[1]  consumer-group generation
-- ARGV[2]  owner, for people
-- ARGV[3]  id of this claim; a retry carries the same one and finds itself
--
-- Answers {epoch, applied offset, clock, sequence number of the oldest pending output},
-- an empty array when refused. Field names: keys.py.

local meta = redis.call('HMGET', KEYS[1], 'g', 'e', 'r', 'a', 't', 'h')
if meta[1] and tonumber(meta[1]) > tonumber(ARGV[1]) then
  return {}
end

local epoch = meta[2]
if meta[3] ~= ARGV[3] then
  -- Not simply one more than the last: a Redis restored from a backup would hand out the same
  -- number twice, and a worker which was frozen meanwhile could then commit as its successor.
  local now = redis.call('TIME')
  local now_ms = tonumber(now[1]) * 1000 + math.floor(tonumber(now[2]) / 1000)
  epoch = string.format('%.0f', math.max(tonumber(epoch or '0') + 1, now_ms))
  redis.call('HSET', KEYS[1], 'e', epoch, 'g', ARGV[1], 'o', ARGV[2], 'r', ARGV[3], 'k', '0')
end
return {epoch, meta[4] or '-1', meta[5] or '0', meta[6] or '0'}
